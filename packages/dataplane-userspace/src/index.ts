/** Public door of @weft/dataplane-userspace. */
export {
  DOCKER_ESP,
  ESP_PATHS,
  ESP_SUITES,
  userspaceOptions,
  type EspOptions,
  type GivenUserspaceOptions,
  type UserspaceOptions,
} from './options.ts'
export type { SealingLibrary } from './fastest-suite.ts'
export { userspaceBackend, type UserspaceBackend } from './userspace-backend.ts'
export { IP_PACKET_BYTES_MAX, type SealingFacts, type UserspaceProbe } from './userspace-probe.ts'
