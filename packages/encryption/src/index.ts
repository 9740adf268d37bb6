/** Cipher suites, keys and their rotation, and ESP security associations. */
export { encryptionError, type EncryptionErrors } from './errors.ts'
export { ESP_FAULTS, type EspFault } from './esp-fault.ts'
export {
  ESP_ALIGNMENT_BYTES,
  ESP_DUMMY,
  ESP_HEADER_BYTES,
  ESP_IV_BYTES,
  ESP_TRAILER_BYTES,
  espOverheadBytes,
  sealedBytes,
  type AssociationLayout,
} from './esp-layout.ts'
export {
  InboundAssociation,
  type InboundOptions,
  type OpenFault,
} from './inbound-association.ts'
export {
  DOCKER_KEYS,
  dockerOrder,
  KeyRing,
  RING_KEYS_MAX,
  type RingKeyView,
  type RotationStep,
} from './key-ring.ts'
export { NetworkKey, SALT_BYTES, type NetworkKeyOptions } from './network-key.ts'
export { OutboundAssociation, type OutboundOptions } from './outbound-association.ts'
export { DOCKER_PROFILE, WEFT_PROFILE, type PeerProfile } from './peer-profile.ts'
export {
  REPLAY_WINDOW_PACKETS_MAX,
  REPLAY_WINDOW_PACKETS_MIN,
  ReplayWindow,
  type ReplayFault,
} from './replay-window.ts'
export { PAST_RUNS_MAX, RUNS_MAX, RunWindows } from './run-windows.ts'
export {
  PEERS_MAX,
  SecurityAssociations,
  type EspCounters,
  type PeerKeys,
  type RekeyWanted,
  type SecurityAssociationsOptions,
} from './security-associations.ts'
export { EXTENDED_SEQUENCE_MAX, SEQUENCE_MAX } from './sequence-number.ts'
export { openSodium } from './sodium.ts'
export { spiOf, type SpiGeneration, type SpiInput } from './spi.ts'
