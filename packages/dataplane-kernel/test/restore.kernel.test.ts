/** Entries lost behind our back, few or many: all come back, each loss is counted once. */
import { Kernel, MessageWriter, writeForwarding, writeNeighbour } from '@weft/linux'
import { expect, test } from 'vitest'
import { CONFIRM_DELAY_MS, RESTORE_ENTRIES_MAX } from '../src/kernel-dataplane.ts'
import {
  atEnd,
  desired,
  failuresOf,
  hosts,
  network,
  nextDrift,
  remote,
  subnet,
  type TestHost,
} from './world.ts'

const BLUE = subnet(4096, '10.0.0.0/16')

test.each([
  ['one', 1],
  ['as many as are restored one by one', RESTORE_ENTRIES_MAX],
  ['more than that', RESTORE_ENTRIES_MAX + 1],
])('%s lost at once: all are back and counted', async (_, count) => {
  const [a] = hosts(1) as [TestHost]
  const dataplane = await a.open()
  const names = Array.from({ length: RESTORE_ENTRIES_MAX + 10 }, (_, i) => i + 2)
  const endpoints = names.map((i) => [`e${i}`, remote('n2', `10.0.1.${i}`)] as const)
  const state = { blue: network([BLUE], { remote: Object.fromEntries(endpoints) }) }
  expect(failuresOf(await dataplane.apply(desired(a, state)))).toEqual([])
  const whole = (await dataplane.observe()).items
  const kernel = Kernel.open(a.network('blue'))
  atEnd(() => kernel.close())
  const linkIndex = kernel.links.require('vxlan0').index
  const batch = new MessageWriter()
  for (const [, { addresses, mac }] of endpoints.slice(0, count)) {
    writeForwarding(batch, 'delete', { linkIndex, mac, table: 'self' })
    for (const ip of count === 1 ? addresses : []) {
      writeNeighbour(batch, 'delete', { linkIndex, ip, mac })
    }
  }
  const told = nextDrift(dataplane)
  kernel.carryOut(batch, { operation: 'damage', object: 'entries' })
  await told
  const now = async (): Promise<unknown> => (await dataplane.observe()).items
  await expect.poll(now, { timeout: 2000 }).toEqual(whole)
  const lost = count === 1 ? 2 : count
  const drift = async (): Promise<number> => (await dataplane.counters()).drift
  await expect.poll(drift, { timeout: 2 * CONFIRM_DELAY_MS }).toBe(lost)
})

test('our own coming and going is no drift', async () => {
  const [a] = hosts(1) as [TestHost]
  const dataplane = await a.open()
  dataplane.events.on('drift', ({ items }) => expect.fail(`drift: ${items.join()}`))
  for (let round = 0; round < 30; round++) {
    const node = round % 2 === 0 ? 'n2' : 'n3'
    const some = round % 3 === 2 ? {} : { c2: remote(node, '10.0.1.3') }
    await dataplane.apply(desired(a, { blue: network([BLUE], { remote: some }) }))
  }
  const last = { c2: remote('n2', '10.0.1.3') }
  await dataplane.apply(desired(a, { blue: network([BLUE], { remote: last }) }))
  expect((await dataplane.observe()).items.size).toBe(4)
  expect((await dataplane.counters()).drift).toBe(0)
})
