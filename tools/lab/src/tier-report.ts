/** Which kinds of lab this machine can run, and what it lacks for the others. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dockerTier } from './docker-tier.ts'
import { labError } from './lab-errors.ts'
import { memberlistTier } from './memberlist-tier.ts'
import { qemuTier } from './qemu-tier.ts'

/** Kinds of lab that a run can require by WEFT_REQUIRE. */
export const TIERS = ['netns', 'memberlist', 'docker', 'qemu'] as const
/**
 * `netns`: hosts made of network namespaces. `memberlist`: nodes of HashiCorp's library, built
 * here. `docker`: hosts that run real Docker engines. `qemu`: machines with a kernel that has what
 * ours may lack.
 */
export type Tier = (typeof TIERS)[number]

/** Whether a tier can run here; `missing` says what it lacks, one fact an entry. */
export type TierReport =
  | { readonly tier: Tier; readonly usable: true; readonly by: string }
  | { readonly tier: Tier; readonly usable: false; readonly missing: readonly string[] }

/** How a private world is made: as real root, or as root of a user namespace of our own. */
export type Privilege = 'root' | 'user-namespace'

const UNSHARE_TIMEOUT_MS = 5_000

/** Switches that forbid unprivileged user namespaces, and what they must be to allow them. */
const SWITCHES: readonly {
  readonly path: string
  readonly forbids: (value: number) => boolean
  readonly remedy: string
}[] = [
  {
    path: '/proc/sys/kernel/unprivileged_userns_clone',
    forbids: (value) => value === 0,
    remedy: 'sysctl kernel.unprivileged_userns_clone=1 (it is 0)',
  },
  {
    path: '/proc/sys/user/max_user_namespaces',
    forbids: (value) => value === 0,
    remedy: 'sysctl user.max_user_namespaces above 0 (it is 0)',
  },
  {
    path: '/proc/sys/user/max_net_namespaces',
    forbids: (value) => value === 0,
    remedy: 'sysctl user.max_net_namespaces above 0 (it is 0)',
  },
  {
    path: '/proc/sys/kernel/apparmor_restrict_unprivileged_userns',
    forbids: (value) => value === 1,
    remedy: 'sysctl kernel.apparmor_restrict_unprivileged_userns=0 (it is 1)',
  },
]

/** What `unshare` must be told for each way to be root. */
export const UNSHARE_ARGUMENTS: { readonly [privilege in Privilege]: readonly string[] } = {
  root: ['--mount', '--net', '--propagation', 'private'],
  'user-namespace': [
    '--user',
    '--map-root-user',
    '--mount',
    '--net',
    '--propagation',
    'private',
  ],
}

/**
 * Find out by trying whether hosts can be made of network namespaces here, and how. Leaves nothing
 * behind. Never rejects.
 */
export async function netnsTier(): Promise<
  (TierReport & { readonly usable: false }) | { readonly usable: true; readonly by: Privilege }
> {
  const ways: readonly Privilege[] =
    process.getuid?.() === 0 ? ['root', 'user-namespace'] : ['user-namespace']
  const missing: string[] = []
  for (const way of ways) {
    const refusal = await tryUnshare(UNSHARE_ARGUMENTS[way])
    if (refusal === null) return { usable: true, by: way }
    missing.push(`${way === 'root' ? 'privilege' : 'user namespaces'}: ${refusal}`)
  }
  return { tier: 'netns', usable: false, missing: [...missing, ...forbiddingSwitches()] }
}

/** Null when it worked, else why not, in the words of `unshare`. */
function tryUnshare(flags: readonly string[]): Promise<string | null> {
  const tried = ['--', 'mount', '-t', 'tmpfs', 'weft-probe', '/tmp']
  return new Promise((resolve) => {
    const options = { timeout: UNSHARE_TIMEOUT_MS, encoding: 'utf8' } as const
    execFile('unshare', [...flags, ...tried], options, (error, _stdout, stderr) => {
      if (error === null) resolve(null)
      else if (error.code === 'ENOENT') resolve('no unshare on the PATH (package util-linux)')
      else resolve(stderr.trim().split('\n').at(-1) || error.message)
    })
  })
}

function forbiddingSwitches(): string[] {
  return SWITCHES.filter(({ path, forbids }) => {
    const value = readNumber(path)
    return value !== null && forbids(value)
  }).map(({ remedy }) => remedy)
}

function readNumber(path: string): number | null {
  try {
    return Number(readFileSync(path, 'utf8'))
  } catch {
    return null
  }
}

/** What this machine can run. Never rejects. */
export async function tierReport(): Promise<readonly TierReport[]> {
  const netns = await netnsTier()
  return [
    netns.usable ? { tier: 'netns', usable: true, by: netns.by } : netns,
    await memberlistTier(),
    await dockerTier(),
    await qemuTier(),
  ]
}

/** The tiers named in WEFT_REQUIRE. Throws ERR_LAB_REQUEST for a name that is no tier. */
export function requiredTiers(value: string | undefined): readonly Tier[] {
  const names = (value ?? '').split(',').filter((name) => name !== '')
  return names.map((name) => {
    const tier = TIERS.find((known) => known === name)
    if (tier !== undefined) return tier
    throw labError('ERR_LAB_REQUEST', 'not a tier', {
      problem: `WEFT_REQUIRE names ${name}`,
      expected: TIERS.join(' or '),
    })
  })
}

/**
 * Turn the absence of a required tier into a failure: rejects with ERR_TIER_UNAVAILABLE when a tier
 * named in `required` (WEFT_REQUIRE) cannot run here. Resolves to the full report.
 */
export async function checkRequiredTiers(
  required: string | undefined,
): Promise<readonly TierReport[]> {
  const report = await tierReport()
  for (const tier of requiredTiers(required)) {
    const found = report.find((one) => one.tier === tier)
    if (found === undefined || found.usable) continue
    const { missing } = found
    throw labError('ERR_TIER_UNAVAILABLE', 'a required tier is off', { tier, missing })
  }
  return report
}
