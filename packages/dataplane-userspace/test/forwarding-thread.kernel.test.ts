/** What the thread that forwards is given: turns before others, and queues that wait for it. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { SWITCH_NICENESS } from '../src/switch-protocol.ts'
import { TAP_QUEUE_FRAMES } from '../src/tap-interface.ts'
import { mayRaiseThreads } from './may-raise-threads.ts'
import {
  desired,
  failuresOf,
  hosts,
  local,
  network,
  scratch,
  subnet,
  type TestHost,
} from './world.ts'

/** Field of /proc/…/stat behind the name (proc(5)): 19 of all, state being 3. */
const NICE = 16

/** Niceness of the threads of this process with a name that begins so. */
function nicenessOf(name: string): number[] {
  const stats = readdirSync('/proc/self/task').map((thread) => {
    return readFileSync(`/proc/self/task/${thread}/stat`, 'latin1')
  })
  const named = stats.filter((stat) => stat.includes(`(${name}`))
  return named.map((stat) => Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[NICE]))
}

test('the thread is preferred where that is allowed, and no other only waits', async () => {
  const [host] = hosts(1) as [TestHost]
  const dataplane = await host.open()
  await dataplane.counters()
  expect(nicenessOf('weft-switch')).toEqual([mayRaiseThreads() ? SWITCH_NICENESS : 0])
  expect(nicenessOf('weft-poll')).toEqual([])
  expect(nicenessOf('')).toContain(0)
})

test('a TAP holds more frames than the kernel has it hold', async () => {
  const [host] = hosts(1) as [TestHost]
  const dataplane = await host.open()
  const path = scratch()
  const blue = network([subnet(4097, '10.0.1.0/24')], { local: { c1: local(path, '10.0.1.2') } })
  expect(failuresOf(await dataplane.apply(desired(host, { blue })))).toEqual([])
  const inside = [`--net=${path}`, 'ip', '-json', 'link', 'show', 'eth0']
  const told = execFileSync('nsenter', inside, { encoding: 'utf8' })
  expect(JSON.parse(told)).toMatchObject([{ txqlen: TAP_QUEUE_FRAMES }])
})
