/** Values, ports, errors, events and assertions that every other package speaks in. */
export { AEAD_NONCE_BYTES, AEAD_TAG_BYTES, type Aead, type AeadUse } from './aead.ts'
export { assert, unreachable } from './assert.ts'
export {
  equalBytes,
  fromHex,
  setU16,
  setU16le,
  setU24,
  setU32,
  setU32le,
  setU8,
  toHex,
  u16,
  u16le,
  u24,
  u32,
  u32le,
  u8,
} from './bytes.ts'
export type { CancelSignal, Cancellable } from './cancel.ts'
export { chance, type Entropy, type Random, type Ratio } from './chance.ts'
export {
  addressOf,
  cidrContains,
  cidrOf,
  cidrRange,
  cidrsOverlap,
  interfaceAddress,
  parseCidr,
  parseInterfaceAddress,
  prefixLength,
  type Cidr,
  type InterfaceAddress,
} from './cidr.ts'
export {
  checkKeySize,
  CIPHER_NONCE_BYTES,
  CIPHER_SUITES,
  cipherError,
  type Cipher,
  type CipherErrors,
  type CipherSuite,
  type CipherSuiteName,
} from './cipher.ts'
export { instantAfter, type Clock, type Instant } from './clock.ts'
export {
  defineErrors,
  describeError,
  hasCode,
  WeftError,
  type ErrorDetails,
  type ErrorFactory,
  type ErrorsOf,
  type ErrorTable,
} from './errors.ts'
export { FILE_BYTES_MAX, filesError, type Files, type FilesErrors } from './files.ts'
export { Emitter, type EventMap, type EventSource } from './events.ts'
export {
  IPV4_BYTES,
  IPV6_BYTES,
  ipBytes,
  ipFamily,
  ipFromBigInt,
  ipFromBytes,
  ipLength,
  ipToBigInt,
  isMulticastIp,
  parseIp,
  writeIp,
  type Ip,
  type IpFamily,
} from './ip.ts'
export {
  formatFields,
  LOG_DEPTH_MAX,
  LOG_ITEMS_MAX,
  plainFields,
  plainValue,
  quoteText,
  type Plain,
} from './log-fields.ts'
export {
  createLogger,
  silentLogger,
  type LogFields,
  type Logger,
  type LogLevel,
  type LogSink,
} from './logger.ts'
export { isGroupMac, MAC_BYTES, macFromBytes, parseMac, writeMac, type Mac } from './mac.ts'
export { RANDOM_BOUND_MAX, SeededRandom } from './random-stream.ts'
export type { Runtime } from './runtime.ts'
export { formatSocketAddress, PORT_MAX, type SocketAddress } from './socket-address.ts'
export type { ByteStream, StreamHandler, StreamListener, Streams } from './streams.ts'
export { TaskQueue } from './task-queue.ts'
export {
  underlayError,
  type DatagramListener,
  type DatagramSocket,
  type Underlay,
  type UnderlayErrors,
} from './underlay.ts'
export { utf8Bytes, utf8Text } from './utf8.ts'
export { valueError, type ValueErrors } from './value-errors.ts'
export { VNI_MAX, vni, type Vni } from './vni.ts'
export {
  STORE_KEY_BYTES_MAX,
  STORE_VALUE_BYTES_MAX,
  storeError,
  type Store,
  type StoreCheck,
  type StoreEntry,
  type StoreErrors,
  type StoreTransaction,
  type StoreWrite,
} from './store.ts'
