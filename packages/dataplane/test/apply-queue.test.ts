/** One at a time, newest first, and a clean end. */
import { describeError, WeftError } from '@weft/core'
import { ApplyQueue, type ApplyReport, type DesiredState } from '../src/index.ts'
import { describe, expect, test } from 'vitest'
import { state } from './states.ts'

const report = (generation: number): ApplyReport => ({
  generation,
  outcome: 'applied',
  changed: 1,
  collected: [],
  failures: [],
})

const at = (generation: number): DesiredState => state({}, { generation })

/** A queue whose applies finish when told. */
class Bench {
  readonly log: string[] = []
  readonly #gates = new Map<number, PromiseWithResolvers<void>>()
  readonly queue = new ApplyQueue(async ({ generation }) => {
    this.log.push(`begin ${generation}`)
    await this.gate(generation).promise
    this.log.push(`end ${generation}`)
    return report(generation)
  })

  gate(generation: number): PromiseWithResolvers<void> {
    const known = this.#gates.get(generation) ?? Promise.withResolvers<void>()
    this.#gates.set(generation, known)
    return known
  }

  open(...generations: readonly number[]): void {
    for (const generation of generations) this.gate(generation).resolve()
  }

  apply(generation: number): Promise<string> {
    return this.queue.apply(at(generation)).then(
      ({ outcome, changed }) => `${generation} ${outcome} ${changed}`,
      (error: unknown) =>
        `${generation} ${error instanceof WeftError ? error.code : describeError(error)}`,
    )
  }
}

describe('applies', () => {
  test('run one at a time', async () => {
    const bench = new Bench()
    const all = [bench.apply(1), bench.apply(1), bench.apply(2)]
    expect(bench.log).toEqual(['begin 1'])
    bench.open(1, 2)
    expect(await Promise.all(all)).toEqual(['1 applied 1', '1 superseded 0', '2 applied 1'])
    expect(bench.log).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2'])
  })

  test('a newer one overtakes those that wait, and not the one that runs', async () => {
    const bench = new Bench()
    const all = [1, 2, 3, 4].map((g) => bench.apply(g))
    bench.open(1, 2, 3, 4)
    expect(await Promise.all(all)).toEqual([
      '1 applied 1',
      '2 superseded 0',
      '3 superseded 0',
      '4 applied 1',
    ])
  })

  test('an older one that comes behind a newer one is passed over', async () => {
    const bench = new Bench()
    const all = [bench.apply(5), bench.apply(3)]
    bench.open(5, 3)
    expect(await Promise.all(all)).toEqual(['5 applied 1', '3 superseded 0'])
  })

  test('an older one than the last applied is stale; the same again is not', async () => {
    const bench = new Bench()
    bench.open(5, 6)
    expect(await bench.apply(5)).toBe('5 applied 1')
    expect(bench.queue.generation).toBe(5)
    expect(await bench.apply(4)).toBe('4 ERR_STALE_GENERATION')
    expect(await bench.apply(5)).toBe('5 applied 1')
    expect(await bench.apply(6)).toBe('6 applied 1')
  })

  test('one that breaks does not stop those behind it, nor count as applied', async () => {
    const bench = new Bench()
    const broken = bench.apply(7)
    bench.gate(7).reject(new Error('out of luck'))
    expect(await broken).toBe('7 out of luck')
    expect(bench.queue.generation).toBe(0)
    bench.open(3)
    expect(await bench.apply(3)).toBe('3 applied 1')
  })
})

describe('other work', () => {
  test('takes its turn between applies, in order', async () => {
    const bench = new Bench()
    const first = bench.apply(1)
    const work = bench.queue.exclusive('observe', async () => void bench.log.push('observe'))
    const second = bench.apply(2)
    bench.open(1, 2)
    await Promise.all([first, work, second])
    expect(bench.log).toEqual(['begin 1', 'end 1', 'observe', 'begin 2', 'end 2'])
  })

  test('that throws at once is its caller’s trouble only', async () => {
    const bench = new Bench()
    const broken = bench.queue.exclusive('observe', () => {
      throw new Error('at once')
    })
    await expect(broken).rejects.toThrow('at once')
    expect(await bench.queue.exclusive('observe', async () => 7)).toBe(7)
  })
})

describe('close', () => {
  test('lets what runs finish, refuses what waits and what comes', async () => {
    const bench = new Bench()
    const [running, waiting] = [bench.apply(1), bench.apply(2)]
    const watching = bench.queue.exclusive('observe', async () => 1)
    const closed = bench.queue.close(async () => void bench.log.push('close'))
    expect(bench.queue.closed).toBe(true)
    expect(await waiting).toBe('2 ERR_CLOSED')
    await expect(watching).rejects.toMatchObject({ details: { operation: 'observe' } })
    expect(await bench.apply(3)).toBe('3 ERR_CLOSED')
    bench.open(1)
    expect(await running).toBe('1 applied 1')
    await closed
    expect(bench.log).toEqual(['begin 1', 'end 1', 'close'])
  })

  test('happens once', async () => {
    const bench = new Bench()
    let times = 0
    const work = async (): Promise<void> => {
      times++
    }
    await Promise.all([bench.queue.close(work), bench.queue.close(work)])
    await bench.queue.close(work)
    expect(times).toBe(1)
  })
})
