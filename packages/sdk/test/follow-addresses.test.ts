/** A worker whose address goes takes the next by the rule that chose the first (P25). */
import { parseIp } from '@weft/core'
import type { Agent } from '@weft/agent'
import { describe, expect, test } from 'vitest'
import { ADDRESS_LOOK_MS, followAddresses, withPresentAddresses } from '../src/follow-addresses.ts'
import type { InterfaceIp } from '../src/machine.ts'
import type { NodeRecord } from '../src/node-record.ts'
import { RecordKeeper } from '../src/record-keeper.ts'
import { RECORD, testSurroundings } from './doubles.ts'

const at = (ifname: string, ip: string): InterfaceIp => ({
  ifname,
  ip: parseIp(ip),
  isHostOnly: false,
})
const OLD = at('eth0', '10.0.0.1')
const NEW = at('eth0', '10.0.0.9')
const OTHER = at('eth1', '10.1.0.1')

const said = (advertiseAddress: string | null, dataPathAddress: string | null): NodeRecord => ({
  ...RECORD,
  request: { advertiseAddress, dataPathAddress },
})

describe('which addresses', () => {
  test('the same while they are there', () => {
    expect(withPresentAddresses(RECORD, [OTHER, OLD])).toBe(RECORD)
  })

  test('the only one, or the interface’s, by what the user said', () => {
    const { advertise, dataPathIp } = withPresentAddresses(RECORD, [NEW])
    expect([advertise, dataPathIp]).toEqual([{ ip: NEW.ip, port: 2377 }, NEW.ip])
    const byName = withPresentAddresses(said('eth0', 'eth1'), [NEW, OTHER])
    expect([byName.advertise.ip, byName.dataPathIp]).toEqual([NEW.ip, OTHER.ip])
  })

  test('as before when none, or more than one, would do', () => {
    for (const record of [RECORD, said('eth7', null), said('10.0.0.1', null)]) {
      for (const machine of [[], [NEW, OTHER]]) {
        expect(withPresentAddresses(record, machine)).toBe(record)
      }
    }
  })

  test('a manager keeps its own', () => {
    const manager = { ...RECORD, identity: { ...RECORD.identity, role: 'manager' as const } }
    expect(withPresentAddresses(manager, [NEW])).toBe(manager)
  })
})

test('looks from time to time: written down, then told to the agent', async () => {
  const { options, records, clock } = testSurroundings()
  let addresses = [OLD]
  const machine = { ...options.machine, addresses: () => addresses }
  const updates: unknown[] = []
  const agent = {
    update: async (changes: unknown) => {
      updates.push([changes, (await records.load()).kind])
    },
  } as unknown as Agent
  const keeper = new RecordKeeper(records, RECORD)
  const following = followAddresses(keeper, agent, { ...options, machine })
  await clock.advance(ADDRESS_LOOK_MS)
  expect(updates).toEqual([])
  addresses = [NEW]
  await clock.advance(ADDRESS_LOOK_MS - 1)
  expect(updates).toEqual([])
  await clock.advance(1)
  expect(updates).toEqual([[{ advertiseIp: NEW.ip, dataPathIp: NEW.ip }, 'member']])
  await clock.advance(3 * ADDRESS_LOOK_MS)
  expect(updates).toHaveLength(1)
  expect(await records.load()).toMatchObject({ record: { dataPathIp: NEW.ip, identity: {} } })
  following[Symbol.dispose]()
  expect(clock.pending).toBe(0)
})

test('a keeper writes changes in order, takes back what failed, and falls silent', async () => {
  const { records } = testSurroundings()
  const keeper = new RecordKeeper(records, RECORD)
  const [a, b] = [keeper.change({ managers: ['a:1'] }), keeper.change({ dataPathIp: NEW.ip })]
  await Promise.all([a, b])
  expect(await records.load()).toMatchObject({ record: { managers: ['a:1'], dataPathIp: NEW.ip } })
  const save = records.save.bind(records)
  Reflect.set(records, 'save', () => Promise.reject(new Error('full')))
  await expect(keeper.change({ managers: ['b:1'] })).rejects.toThrow('full')
  expect(keeper.current.managers).toEqual(['a:1'])
  Reflect.set(records, 'save', save)
  keeper.close()
  await keeper.change({ managers: ['c:1'] })
  expect(await records.load()).toMatchObject({ record: { managers: ['a:1'] } })
})
