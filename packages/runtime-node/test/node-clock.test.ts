import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { instantAfter, type Instant } from '@weft/core'
import { NodeClock, TIMER_DELAY_MS_MAX } from '../src/index.ts'

const clock = new NodeClock({ keepAlive: true })
const soon = (ms: number): Instant => instantAfter(clock.now(), ms)
/** Waits for the thing itself, never for a while. */
const when = (at: Instant): Promise<Instant> =>
  new Promise((resolve) => void clock.schedule(at, () => resolve(clock.now())))

describe('the clock of this machine', () => {
  test('never runs a task early', async () => {
    const dues = Array.from({ length: 40 }, (_, i) => soon(i * 0.7))
    const ran = await Promise.all(dues.map(when))
    ran.forEach((at, i) => expect(at).toBeGreaterThanOrEqual(dues[i] ?? Infinity))
  })

  test('runs tasks by time, and those due together in schedule order', async () => {
    const seen: string[] = []
    const [early, late] = [soon(5), soon(15)]
    clock.schedule(late, () => void seen.push('late'))
    clock.schedule(early, () => void seen.push('first'))
    clock.schedule(early, () => void seen.push('second'))
    await when(late)
    expect(seen).toEqual(['first', 'second', 'late'])
  })

  test('runs overdue tasks at once, never inside schedule', async () => {
    let ran = false
    clock.schedule(soon(-1000), () => void (ran = true))
    expect(ran).toBe(false)
    await when(clock.now())
    expect(ran).toBe(true)
  })

  test('a disposed task never runs, and those behind it do', async () => {
    const seen: string[] = []
    const dropped = clock.schedule(soon(3), () => void seen.push('dropped'))
    const kept = when(soon(6))
    dropped[Symbol.dispose]()
    dropped[Symbol.dispose]()
    await kept
    expect(seen).toEqual([])
  })

  test('a task beyond the longest timer waits instead of running at once', async () => {
    let ran = false
    const far = clock.schedule(soon(3 * TIMER_DELAY_MS_MAX), () => void (ran = true))
    await when(soon(10))
    expect(ran).toBe(false)
    far[Symbol.dispose]()
    expect(TIMER_DELAY_MS_MAX).toBe(2_147_483_647)
    expect(() => clock.schedule(Infinity as Instant, () => undefined)).toThrow('bug')
  })

  test('goes forward, and tells the time of people apart', () => {
    const [a, b] = [clock.now(), clock.now()]
    expect(b).toBeGreaterThanOrEqual(a)
    expect(Math.abs(clock.wall() - Date.now())).toBeLessThan(1000)
  })
})

describe('a process', () => {
  const run = async (keepAlive: boolean): Promise<string> => {
    const script = `
      import { NodeClock } from '@weft/runtime-node'
      const clock = new NodeClock({ keepAlive: ${keepAlive} })
      clock.schedule(clock.now() + 20, () => console.log('ran'))
      clock.schedule(clock.now() + 60_000, () => undefined)[Symbol.dispose]()`
    const args = ['--conditions=@weft/source', '--input-type=module', '-e', script]
    const { stdout } = await promisify(execFile)(process.execPath, args, {
      cwd: new URL('..', import.meta.url).pathname,
    })
    return stdout
  }

  test('lives as long as tasks wait, and no longer', async () => {
    expect(await run(true)).toBe('ran\n')
  })

  test('ends while tasks wait when told not to be kept alive', async () => {
    expect(await run(false)).toBe('')
  })
})
