/** Planted bugs, which must be caught: a simulator that sees nothing proves nothing. */
import { CANARIES, CANARY_SEEDS_MAX, catchCanary } from '@weft/simulator'
import type { SimOptions } from './options.ts'
import type { Paper } from './run-seeds.ts'

/** Plant one, or `all`. True when all were caught; null when there is none of this name. */
export function runCanaries(name: string, options: SimOptions, paper: Paper): boolean | null {
  const chosen = CANARIES.filter((canary) => name === 'all' || canary.name === name)
  if (chosen.length === 0) return null
  const results = chosen.map((canary) => {
    const outcome = catchCanary(canary)
    const seed = outcome?.options.seed ?? null
    const { caughtBy, about } = canary
    if (!options.isJson) {
      const fate = outcome === null ? `NOT CAUGHT in ${CANARY_SEEDS_MAX} seeds` : 'caught'
      const where = seed === null ? '' : ` (seed '${seed}')`
      paper.out(`${canary.name.padEnd(22)} ${fate} by ${caughtBy}${where}: ${about}`)
    }
    return { name: canary.name, caughtBy, isCaught: outcome !== null, seed }
  })
  if (options.isJson) paper.out(JSON.stringify(results, null, 2))
  return results.every(({ isCaught }) => isCaught)
}
