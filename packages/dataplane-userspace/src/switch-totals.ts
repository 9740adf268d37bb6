/** Sums of counters: a thread that died goes on counting in its successor's. */
import type { SwitchTotals } from './switch-protocol.ts'

/** Nothing counted. */
export const NO_TOTALS: SwitchTotals = {
  transmitted: 0,
  received: 0,
  dropped: new Map(),
  networks: new Map(),
}

/** Both together. */
export function addTotals(a: SwitchTotals, b: SwitchTotals): SwitchTotals {
  const dropped = new Map(a.dropped)
  for (const [reason, count] of b.dropped) dropped.set(reason, (dropped.get(reason) ?? 0) + count)
  const networks = new Map(a.networks)
  for (const [id, { received, transmitted }] of b.networks) {
    const known = networks.get(id) ?? { received: 0, transmitted: 0 }
    networks.set(id, {
      received: known.received + received,
      transmitted: known.transmitted + transmitted,
    })
  }
  return {
    transmitted: a.transmitted + b.transmitted,
    received: a.received + b.received,
    dropped,
    networks,
  }
}
