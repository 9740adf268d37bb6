/** The one piece of memory that all packets of a switch stand in. */
import { PinnedMemory } from '@weft/linux/packets'
import type { QuickSum } from './engine/byte-sum.ts'
import { SWITCH_ARENA_BYTES } from './engine/switch-engine.ts'
import { quickMemory } from './quick-memory.ts'

/** Datagrams taken by one call where speed counts; coalesced ones hold up to 64 segments each. */
export const RECEIVE_SLOTS = 32

/** Room for one frame or datagram: 65,535 bytes, an Ethernet header, and to spare. */
export const SLOT_BYTES = 66_000

/** Room in front of each, for the virtio-net header of a frame that is delivered from there. */
export const HEADROOM_BYTES = 64

const STRIDE = HEADROOM_BYTES + SLOT_BYTES

/** Where things stand in the memory. */
export interface SwitchMemory {
  readonly pinned: PinnedMemory
  /** Sums over it; null where plain code has to make them. */
  readonly quick: QuickSum | null
  /** Where a frame begins that is read from a TAP. */
  readonly frame: number
  /** Where datagrams begin. */
  readonly slots: readonly number[]
  /** Where the engine's arena begins. */
  readonly arena: number
}

/** One array for all: the engine copies from one place in it to another, and allocates nothing. */
export function switchMemory(receiveSlots: number): SwitchMemory {
  const slots = Array.from({ length: receiveSlots }, (_, i) => (i + 1) * STRIDE + HEADROOM_BYTES)
  const arena = (receiveSlots + 1) * STRIDE + HEADROOM_BYTES
  const length = arena + SWITCH_ARENA_BYTES
  const quick = quickMemory(length)
  const pinned = quick === null ? PinnedMemory.allocate(length) : PinnedMemory.over(quick.bytes)
  return { pinned, quick, frame: HEADROOM_BYTES, slots, arena }
}
