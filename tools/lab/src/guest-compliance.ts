/** Compliance cases in a guest, whose kernel has what the one out here lacks. */
import { assert } from '@weft/core'
import { complianceCases, runCase, type CaseOutcome } from '@weft/dataplane/compliance'
import type { Guest } from './guest.ts'
import { netnsLabs, type Backends, type NetnsLabs, type NetnsLabsOptions } from './netns-lab.ts'

/** Where a guest finds the functions that it exports. */
const MODULE = '@weft/lab/src/guest-compliance.js'

/** How long a case may take in there, in milliseconds, beside others. */
const CASE_MS = 240_000

/** What dataplanes need of a guest's kernel. It has no modprobe, so nothing is loaded by itself. */
export const ESP_GUEST_MODULES: readonly string[] = [
  ...['gcm', 'ctr', 'ghash_generic', 'sha512_generic', 'hmac', 'drbg', 'seqiv', 'echainiv'],
  ...['esp4', 'esp6', 'xfrm_user', 'nf_tables', 'veth', 'bridge', 'vxlan', 'tun'],
  // The lab cuts wires on its bridges by rules of that family.
  'nft_meta_bridge',
]

/** As `Lab.slowness`, of an emulated machine on a busy one. */
export const GUEST_SLOWNESS = 10

/** A suite in a guest: all hosts of a lab are namespaces of the one machine. */
export interface GuestSuite extends NetnsLabsOptions {
  readonly backends: Backends
}

/** In the guest: labs of the suite that is under way. */
let labs: NetnsLabs | null = null

/** In the guest: begin with a suite; the one before is over. */
export async function openGuestSuite({ backends, ...options }: GuestSuite): Promise<void> {
  await labs?.[Symbol.asyncDispose]()
  labs = netnsLabs(backends, options)
}

/** In the guest: run the case of this name; the outcome, as plain data. */
export async function runGuestCase(name: string): Promise<CaseOutcome> {
  const found = complianceCases.find((each) => each.name === name)
  assert(found !== undefined && labs !== null, 'a suite is open, and has the case')
  const outcome = await runCase(found, labs.open)
  return outcome.result === 'failed' ? { ...outcome, error: null } : outcome
}

/** Out here: run cases in a guest, so many side by side, telling of each when it is over. */
export async function runGuestSuite(
  guest: Guest,
  suite: GuestSuite,
  { atOnce, cases, tell }: GuestRun,
): Promise<void> {
  await guest.call({ module: MODULE, name: 'openGuestSuite' }, suite)
  const left = complianceCases.map(({ name }) => name).filter((name) => cases.test(name))
  const target = { module: MODULE, name: 'runGuestCase', withinMs: CASE_MS }
  const work = async (): Promise<void> => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) {
      const begun = performance.now()
      const outcome = (await guest.call(target, name)) as CaseOutcome
      tell(name, outcome, performance.now() - begun)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
}

/** Which cases, and how. */
export interface GuestRun {
  /** A case is run when this fits its name. */
  readonly cases: RegExp
  /** Side by side. */
  readonly atOnce: number
  readonly tell: (name: string, outcome: CaseOutcome, ms: number) => void
}
