/** A failing seed as a line of seeds.txt, and as the command that replays it. */
import type { SwarmWishes } from './swarm/swarm-options.ts'
import { PROFILES, type ProfileName } from './swarm/swarm-options.ts'

/** What decides a run. */
export interface SeedLine {
  readonly seed: string
  readonly wishes: SwarmWishes
}

/** `seed=7 nodes=5 profile=lan`: what was wished for, the seed decides the rest. */
export function formatSeedLine({ seed, wishes }: SeedLine): string {
  return words({ seed, wishes })
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')
}

/** The command that plays it again. */
export function replayCommand(line: SeedLine): string {
  const options = words(line).map(([name, value]) => `--${name} ${value}`)
  return `npm run sim -- ${options.join(' ')}`
}

/** A line of seeds.txt; null when it says nothing, or something else. `#` begins a comment. */
export function parseSeedLine(line: string): SeedLine | null {
  const text = line.replace(/#.*/, '').trim()
  if (text === '') return null
  const fields = new Map<string, string>()
  for (const word of text.split(/\s+/)) {
    const at = word.indexOf('=')
    if (at < 1) return null
    fields.set(word.slice(0, at), word.slice(at + 1))
  }
  const seed = fields.get('seed')
  const nodes = Number(fields.get('nodes'))
  const profile = fields.get('profile')
  if (seed === undefined || !Number.isInteger(nodes)) return null
  if (profile !== undefined && !isProfileName(profile)) return null
  const loss = fields.get('loss')
  const seconds = fields.get('seconds')
  const wishes = {
    nodes,
    ...(profile === undefined ? {} : { profileName: profile }),
    ...(loss === undefined ? {} : { lossPercent: Number(loss) }),
    ...(seconds === undefined ? {} : { durationMs: 1000 * Number(seconds) }),
  }
  return { seed, wishes }
}

/** True for the name of a profile. */
export function isProfileName(name: string): name is ProfileName {
  return Object.hasOwn(PROFILES, name)
}

function words({ seed, wishes }: SeedLine): readonly (readonly [string, string])[] {
  const { nodes, profileName, lossPercent, durationMs } = wishes
  const all: readonly (readonly [string, string | number | undefined])[] = [
    ['seed', seed],
    ['nodes', nodes],
    ['profile', profileName],
    ['loss', lossPercent],
    ['seconds', durationMs === undefined ? undefined : durationMs / 1000],
  ]
  return all
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [name, String(value)] as const)
}
