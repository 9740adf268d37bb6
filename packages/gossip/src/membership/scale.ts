/** How timing grows with the ring: logarithms in whole numbers, alike on every machine. */
import { assert } from '@weft/core'

/** Most confirmations that a suspicion may wait for: `suspicionMult` - 2. */
export const CONFIRMATIONS_MAX = 16

/** Natural logarithms of 0 (unused), 1, 2, …, CONFIRMATIONS_MAX + 1, times 10^12. */
const LN_PICO = [
  0, 0, 693147180560, 1098612288668, 1386294361120, 1609437912434, 1791759469228, 1945910149055,
  2079441541680, 2197224577336, 2302585092994, 2397895272798, 2484906649788, 2564949357462,
  2639057329615, 2708050201102, 2772588722240, 2833213344056,
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
  assert(wanted <= CONFIRMATIONS_MAX, 'suspicionMult - 2 is at most CONFIRMATIONS_MAX')
  const { minMs, maxMs } = bounds
  if (wanted < 1 || count >= wanted) return minMs
  const share = (LN_PICO[count + 1] as number) / (LN_PICO[wanted + 1] as number)
  return Math.max(minMs, Math.floor(maxMs - share * (maxMs - minMs)))
}

/** How often a broadcast is transmitted: `mult` times the digits of the number of nodes. */
export function transmitsMax(mult: number, nodes: number): number {
  let digits = 0
  for (let power = 1; power < nodes + 1; power *= 10) digits++
  return mult * digits
}

/** Up to so many nodes, push/pulls come at their plain interval. */
const PUSH_PULL_NODES = 32

/** Intervals between push/pulls are so many times longer: one more for each doubling beyond 32. */
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
