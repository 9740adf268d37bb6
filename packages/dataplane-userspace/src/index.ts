/** Public door of @weft/dataplane-userspace. */
export { userspaceOptions, type UserspaceOptions } from './options.ts'
export { userspaceBackend, type UserspaceBackend } from './userspace-backend.ts'
export { IP_PACKET_BYTES_MAX, type UserspaceProbe } from './userspace-probe.ts'
