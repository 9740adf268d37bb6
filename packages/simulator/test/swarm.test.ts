/** Whole runs: they hold, they replay, and what failed once is played for ever. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { formatSeedLine, parseSeedLine, replayCommand } from '../src/seed-line.ts'
import { playSwarm } from '../src/swarm/play.ts'
import { drawSwarm } from '../src/swarm/swarm-options.ts'

const SEEDS = readFileSync(new URL('../seeds.txt', import.meta.url), 'utf8').split('\n')

describe('a run', () => {
  it.each(['1', '2', '3', '4', '5', '6', '7', '8'])('of seed %s holds', (seed) => {
    const { violation, agreedAfterMs } = playSwarm(drawSwarm(seed, { nodes: 5 }))
    expect(violation).toBeNull()
    expect(agreedAfterMs).not.toBeNull()
  })

  it('replays to the last byte', () => {
    const options = drawSwarm('replay', { nodes: 6, lossPercent: 10, durationMs: 20_000 })
    const [first, second] = [playSwarm(options), playSwarm(options)]
    expect(second.checksum).toBe(first.checksum)
    expect(second.lines).toEqual(first.lines)
    const other = playSwarm({ ...options, seed: 'another' })
    expect(other.checksum).not.toBe(first.checksum)
  })

  it('is drawn from its seed; a wish for one thing moves no other', () => {
    const drawn = drawSwarm('7', { nodes: 5 })
    const wished = drawSwarm('7', { nodes: 9, profileName: 'docker', lossPercent: 30 })
    expect(wished.faults).toEqual(drawn.faults)
    expect(wished.durationMs).toBe(drawn.durationMs)
    expect(wished.weather.delayMs).toBe(drawn.weather.delayMs)
    expect(wished.weather.loss).toEqual({ numerator: 30, denominator: 100 })
    expect(wished.profileName).toBe('docker')
  })
})

describe('seeds that failed once', () => {
  const lines = SEEDS.map(parseSeedLine).filter((line) => line !== null)

  // Minutes of a ring of many, each; a machine with other work needs longer than usual.
  it.each(lines)('hold: $seed', { timeout: 180_000 }, ({ seed, wishes }) => {
    expect(playSwarm(drawSwarm(seed, wishes)).violation).toBeNull()
  })

  it('are written as they are read', () => {
    for (const line of lines) expect(parseSeedLine(formatSeedLine(line))).toEqual(line)
    const wishes = { nodes: 12, profileName: 'lan', lossPercent: 30, durationMs: 5000 } as const
    const text = 'seed=x-1 nodes=12 profile=lan loss=30 seconds=5'
    expect(formatSeedLine({ seed: 'x-1', wishes })).toBe(text)
    expect(parseSeedLine(`${text}  # why`)).toEqual({ seed: 'x-1', wishes })
    expect(replayCommand({ seed: 'x-1', wishes })).toBe(
      'npm run sim -- --seed x-1 --nodes 12 --profile lan --loss 30 --seconds 5',
    )
    const unknown = 'seed=1 nodes=5 profile=man'
    for (const wrong of ['', '# only a comment', 'nodes=5', 'seed=1', 'what', unknown]) {
      expect(parseSeedLine(wrong)).toBeNull()
    }
  })
})
