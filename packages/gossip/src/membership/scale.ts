/** How timing grows with the ring: logarithms that are alike on every machine. */
import { assert } from '@weft/core'

/** Most confirmations that a suspicion may wait for. */
export const CONFIRMATIONS_MAX = 16

/** Natural logarithms of 1, 2, …, CONFIRMATIONS_MAX + 1, as Go computes them. */
const LN = [
  0, 0.6931471805599453, 1.0986122886681096, 1.3862943611198906, 1.6094379124341003,
  1.791759469228055, 1.9459101490553132, 2.0794415416798357, 2.1972245773362196, 2.302585092994046,
  2.3978952727983707, 2.4849066497880004, 2.5649493574615367, 2.639057329615259, 2.70805020110221,
  2.772588722239781, 2.833213344056216,
] as const

/**
 * The shortest time, in ms, for which a suspect may stay one: grows with the logarithm of the ring,
 * cut to three decimals (docker-wire §2.9).
 */
export function suspicionMinMs(mult: number, nodes: number, probeIntervalMs: number): number {
  return (mult * Math.max(1000, thousandthsOfLog10(nodes)) * probeIntervalMs) / 1000
}

/** How long a suspicion lasts, from its start, once `count` of `wanted` nodes have confirmed it. */
export function suspicionMs(
  bounds: { readonly minMs: number; readonly maxMs: number },
  count: number,
  wanted: number,
): number {
  assert(wanted <= CONFIRMATIONS_MAX, 'CONFIRMATIONS_MAX confirm a suspicion')
  const { minMs, maxMs } = bounds
  if (wanted < 1 || count >= wanted) return minMs
  const share = (LN[count] as number) / (LN[wanted] as number)
  // In seconds, with the roundings of memberlist: the last bit decides over a millisecond.
  const maxSeconds = maxMs / 1000
  const seconds = maxSeconds - share * (maxSeconds - minMs / 1000)
  return Math.max(minMs, Math.floor(1000 * seconds))
}

/** How often a broadcast is transmitted: `mult` times the digits of the number of nodes. */
export function transmitsMax(mult: number, nodes: number): number {
  let digits = 0
  for (let power = 1; power < nodes + 1; power *= 10) digits++
  return mult * digits
}

/** Up to so many nodes, push/pulls come at their plain interval. */
const PUSH_PULL_NODES = 32

/**
 * Intervals between push/pulls are so many times longer: one more for each doubling beyond 32
 * (docker-wire §2.9).
 */
export function pushPullScale(nodes: number): number {
  let scale = 1
  for (let reach = PUSH_PULL_NODES; reach < nodes; reach *= 2) scale++
  return scale
}

/**
 * The whole thousandths in log10 of a positive number: its digits come out one by one when the
 * rest is raised to its tenth power, which takes multiplications only.
 */
function thousandthsOfLog10(value: number): number {
  let rest = value
  let digits = 0
  for (; rest >= 10; rest /= 10) digits++
  for (let place = 0; place < 3; place++) {
    const fourth = rest * rest * (rest * rest)
    rest = fourth * fourth * (rest * rest)
    let digit = 0
    for (; rest >= 10; rest /= 10) digit++
    digits = 10 * digits + digit
  }
  return digits
}
