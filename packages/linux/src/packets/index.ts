/**
 * Door for threads that carry packets and do nothing else: what they call, without the rest of this
 * package. Each thread has its own copy of all that it imports.
 */
export { DatagramReceiver } from '../datagram-receiver.ts'
export { DatagramSender } from '../datagram-sender.ts'
export { Destinations } from '../destinations.ts'
export { errno } from '../errno.ts'
export { libcryptoLack, libcryptoSuite } from '../libcrypto.ts'
export { trimMemory } from '../memory-trim.ts'
export { PinnedMemory } from '../pinned-memory.ts'
export { PollSet } from '../poll-set.ts'
export { VNET_HEADER_BYTES } from '../vnet-header.ts'
export { WakeEvent } from '../wake-event.ts'
