/**
 * Marks by which the kernel tells states of one SPI apart: one state that opens what any sender
 * seals under its key, and beside it one for each run of the sender, which has a replay window.
 */
import type { XfrmMark, XfrmStateRef } from '@weft/linux'

/** Bits of a packet's mark that are ours while IPsec looks for its state. */
export const RUN_MASK = 0x7000_0000
const SLOT_SHIFT = 28

/** States beside the first that an SPI can have: as many as the bits can tell apart. */
export const RUN_SLOTS_MAX = 7

/** Packets within which order may change; those before are late. */
export const WINDOW_PACKETS = 1024

/** Of the state without a window. Nothing has our bits unless the table says so. */
export const PLAIN_MARK: XfrmMark = { value: 0, mask: RUN_MASK }

/** The mark of a slot, 1 to RUN_SLOTS_MAX. */
export function slotMark(slot: number): XfrmMark {
  return { value: slot << SLOT_SHIFT, mask: RUN_MASK }
}

/** Whether a state is of a run. */
export function isOfRun({ mark }: Pick<XfrmStateRef, 'mark'>): boolean {
  return mark?.mask === RUN_MASK && mark.value !== 0
}

/** Names a state in the kernel's table. */
export function stateKey({ destination, mark, source, spi }: XfrmStateRef): string {
  return `${source} ${destination} ${spi} ${mark?.value ?? 0}`
}
