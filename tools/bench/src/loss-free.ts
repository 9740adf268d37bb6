/** The highest rate at which a path loses next to nothing, found by offering. */
import { smallPackets } from './iperf.ts'
import type { OverlayPath } from './overlay-by-hand.ts'

/** Of packets offered; fewer count as none, since the sender's clock is not the receiver's. */
const LOSS_ALLOWED = 0.001
const OFFER_SECONDS = 1
/** As long as no rate held, the next is so much of the last. */
const STEP_DOWN = 0.7
/** So near to each other are, at the end, the rate that held and the one that did not. */
const NEARNESS = 0.06
const OFFERS_MAX = 8

/**
 * Thousands of smallest packets a second, after RFC 2544 §26.1: all that the sender can make; if
 * some are lost, what arrived; then ever less until all arrive, and half-way back up.
 */
export async function lossFreeRate(path: OverlayPath): Promise<number> {
  const all = await offer(path, 0)
  if (all.holds) return all.arrived
  let [held, lost, next] = [0, all.offered, all.arrived]
  for (let i = 0; i < OFFERS_MAX && lost - held > NEARNESS * lost; i++) {
    const { arrived, holds } = await offer(path, next)
    if (holds) held = Math.max(held, arrived)
    else lost = next
    next = held === 0 ? lost * STEP_DOWN : (held + lost) / 2
  }
  return held
}

async function offer(
  path: OverlayPath,
  kpps: number,
): Promise<{ readonly offered: number; readonly arrived: number; readonly holds: boolean }> {
  const { arrived, offered } = await smallPackets(path, kpps, OFFER_SECONDS)
  return { arrived, offered, holds: offered - arrived <= offered * LOSS_ALLOWED }
}
