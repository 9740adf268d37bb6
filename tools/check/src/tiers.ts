/** Which tiers of tests this machine can run, by the lab's own probe, and why not the others. */
import { describeError } from '@weft/core'

/** What the runner needs to know before it starts the tests. */
export interface Tiers {
  /** Kernel tests can run, inside a private world. */
  readonly netns: boolean
  /** One line for each tier that is off, with what is missing. */
  readonly off: readonly string[]
  /** A tier named in WEFT_REQUIRE is off, or names no tier: why; null when all is well. */
  readonly unmet: string | null
}

/**
 * Asks the lab. A lab that cannot even be loaded turns its tiers off with that reason, so that a
 * broken lab still leaves lint, types and the pure tests.
 */
export async function probeTiers(required: string | undefined): Promise<Tiers> {
  try {
    const lab = await import('@weft/lab')
    const report = await lab.tierReport()
    const off = report.flatMap((one) =>
      one.usable ? [] : [`${one.tier}: ${one.missing.join('; ')}`],
    )
    const netns = report.some((one) => one.tier === 'netns' && one.usable)
    return { netns, off, unmet: await unmetRequirement(() => lab.checkRequiredTiers(required)) }
  } catch (error) {
    const reason = `the lab cannot be loaded: ${describeError(error)}`
    return { netns: false, off: [`netns: ${reason}`], unmet: required ? reason : null }
  }
}

async function unmetRequirement(check: () => Promise<unknown>): Promise<string | null> {
  try {
    await check()
    return null
  } catch (error) {
    return `WEFT_REQUIRE: ${describeError(error)}`
  }
}
