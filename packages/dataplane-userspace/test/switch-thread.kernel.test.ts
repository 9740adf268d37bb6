/** A switch that does not stay alive: orders wait, and are refused in the end. */
import { setImmediate } from 'node:timers/promises'
import { hasCode, vni } from '@weft/core'
import { VirtualClock } from '@weft/core/testing'
import { expect, test } from 'vitest'
import type { EngineSubnet } from '../src/engine/index.ts'
import { DEATHS_MAX, RESTART_DELAY_MS, SwitchThread } from '../src/switch-thread.ts'

/** Seven threads begin one after the other. */
const PATIENCE_MS = 120_000

interface Listened {
  readonly clock: VirtualClock
  readonly died: Error[]
  readonly thread: SwitchThread
}

function listened(): Listened {
  const clock = new VirtualClock()
  const died: Error[] = []
  const nothing = (): void => undefined
  const listener = {
    frame: nothing,
    lost: nothing,
    rekey: nothing,
    died: (error: Error) => void died.push(error),
  }
  return { clock, died, thread: new SwitchThread({ clock, suite: 'aes-128-gcm-8' }, listener) }
}

/** The thread dies before it can answer, and the next one begins. */
async function dieOnce({ clock, thread }: Listened): Promise<void> {
  await thread.kill()
  await setImmediate()
  await clock.advance(RESTART_DELAY_MS)
}

test(`an order outlives ${DEATHS_MAX} deaths, and one more is the end of it`, async () => {
  const stage = listened()
  let outcome = 'waits'
  stage.thread.read().then(
    () => (outcome = 'answered'),
    (error: unknown) => (outcome = hasCode(error, 'ERR_HOST') ? error.code : 'another error'),
  )
  for (let i = 0; i < DEATHS_MAX; i++) await dieOnce(stage)
  expect(outcome).toBe('waits')
  await dieOnce(stage)
  expect(outcome).toBe('ERR_HOST')
  expect(stage.died).toHaveLength(DEATHS_MAX + 1)
  // What is ordered later is carried out, if by then a switch lives.
  expect((await stage.thread.read()).tables.subnets.size).toBe(0)
  await stage.thread.close()
})

test('what waits when it is closed is refused, and so is what comes later', async () => {
  const { thread } = listened()
  const refused = expect(thread.read()).rejects.toSatisfy((error) => hasCode(error, 'ERR_CLOSED'))
  await thread.close()
  await refused
  await expect(thread.counters()).rejects.toSatisfy((error) => hasCode(error, 'ERR_CLOSED'))
})

test('a load that no thread survives is refused in the end, though others go well', async () => {
  const stage = listened()
  const subnet = { network: 'blue' } as unknown as EngineSubnet
  const changed = new Map([[vni(4097), subnet]])
  let outcome = 'waits'
  stage.thread.load({ peers: null, changed, gone: [], security: null }).catch((error: unknown) => {
    outcome = hasCode(error, 'ERR_HOST') ? error.code : 'another error'
  })
  for (let i = 0; i <= DEATHS_MAX; i++) {
    await expect.poll(() => stage.died.length, { timeout: PATIENCE_MS }).toBe(i + 1)
    await stage.clock.advance(RESTART_DELAY_MS)
  }
  expect(outcome).toBe('ERR_HOST')
  await stage.thread.close()
}, PATIENCE_MS)
