/** The recordings in the repository are those of the scenarios, and tshark still reads them so. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { NAMESPACE_PREFIX } from '../src/scenario.ts'
import { SCENARIOS } from '../src/scenarios.ts'
import { dissectWithTshark, tsharkVersion, type TsharkFrames } from '../src/tshark-dissection.ts'

const FOLDER = join(import.meta.dirname, '../../../packages/wire/vectors')

interface Kept {
  readonly version: string
  readonly frames: TsharkFrames
}

function kept(name: string): Kept {
  return JSON.parse(readFileSync(join(FOLDER, `${name}.tshark.json`), 'utf8')) as Kept
}

function versionHere(): string {
  try {
    return tsharkVersion()
  } catch {
    return 'none'
  }
}

const installed = versionHere()

describe('the scenarios', () => {
  it('and the recordings are the same set', () => {
    const recorded = readdirSync(FOLDER).filter((name) => name.endsWith('.pcapng'))
    expect(recorded.sort()).toEqual(SCENARIOS.map(({ name }) => `${name}.pcapng`).sort())
  })

  it.each(SCENARIOS)('$name stays in namespaces of its own', (scenario) => {
    for (const name of scenario.namespaces) expect(name.startsWith(NAMESPACE_PREFIX)).toBe(true)
    expect(scenario.namespaces).toContain(scenario.capture.namespace)
    for (const command of [...scenario.world, ...scenario.traffic]) {
      const links = /^ip (-n|link add|netns exec|addr|route)/.test(command)
      if (links) expect(command).toContain(NAMESPACE_PREFIX)
    }
  })

  it.each(SCENARIOS)('$name is told about as it was run', ({ name, about, world, traffic }) => {
    const text = readFileSync(join(FOLDER, `${name}.md`), 'utf8')
    for (const line of [about, ...world, ...traffic]) expect(text).toContain(line)
    expect(existsSync(join(FOLDER, `${name}.tshark.json`))).toBe(true)
  })
})

describe.each(SCENARIOS)('$name', ({ name }) => {
  const { version, frames } = kept(name)

  // Another version of tshark may print fields another way.
  it.skipIf(installed !== version)('is dissected as it was (needs the same tshark)', () => {
    expect(dissectWithTshark(join(FOLDER, `${name}.pcapng`))).toEqual(frames)
  })
})
