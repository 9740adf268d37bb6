/** POST /networks/prune over a real control plane: what goes, and above all what stays. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { NetworkJson } from '../src/objects/network-json.ts'
import { managedRig, type ManagedRig } from './managed-node.ts'

const HOUR_MS = 3_600_000

let one: ManagedRig

/** Three networks, an hour apart, and the ingress. */
beforeEach(async () => {
  one = managedRig('192.0.2.1:2377')
  await one.send('POST', '/swarm/init', {})
  const make = async (body: object): Promise<void> => {
    const { status } = await one.send('POST', '/networks/create', { Driver: 'overlay', ...body })
    expect(status).toBe(201)
    await one.clock.advance(HOUR_MS)
  }
  await make({ Name: 'entry', Ingress: true })
  await make({ Name: 'old', Labels: { stage: 'test' } })
  await make({ Name: 'kept', Labels: { stage: 'live', keep: '' } })
  await make({ Name: 'new' })
})

afterEach(() => one[Symbol.asyncDispose]())

async function pruned(filters: object): Promise<{ deleted: unknown; left: string[] }> {
  const query = encodeURIComponent(JSON.stringify(filters))
  const response = await one.send('POST', `/networks/prune?filters=${query}`)
  const { NetworksDeleted: deleted, message } = (await response.json()) as {
    NetworksDeleted?: string[] | null
    message?: string
  }
  const networks = (await (await one.get('/networks')).json()) as NetworkJson[]
  return { deleted: deleted === undefined ? message : deleted, left: networks.map(nameOf) }
}

const nameOf = ({ Name }: NetworkJson): string => Name

const cases: readonly (readonly [object, string[] | null])[] = [
  [{}, ['old', 'kept', 'new']],
  [{ label: ['stage'] }, ['old', 'kept']],
  [{ label: ['stage=test'] }, ['old']],
  [{ label: ['stage', 'keep'] }, ['kept']],
  [{ label: { 'stage=live': true } }, ['kept']],
  [{ label: ['stage=none'] }, null],
  [{ 'label!': ['keep'] }, ['old', 'new']],
  [{ 'label!': ['stage=live', 'keep'] }, ['old', 'new']],
  [{ label: ['stage'], 'label!': ['keep'] }, ['old']],
  [{ until: ['90m'] }, ['old', 'kept']],
  [{ until: ['150m'] }, ['old']],
  [{ until: ['24h'] }, null],
  [{ until: ['150m'], label: ['keep'] }, null],
]
test.each(cases)('%j', async (filters, deleted) => {
  const all = ['entry', 'old', 'kept', 'new']
  const left = all.filter((name) => deleted?.includes(name) !== true)
  expect(await pruned(filters)).toEqual({ deleted, left })
})

test.each([
  [{ until: ['moon'] }, 'failed to parse value as time or duration: "moon"'],
  [{ until: ['1h', '2h'] }, 'more than one until filter specified'],
  [{ label: { stage: false } }, 'filters must be a JSON object of lists'],
  [{ labels: ['stage'] }, "Invalid filter 'labels'"],
  [{ name: ['old'] }, "Invalid filter 'name'"],
])('%j is refused, and nothing goes', async (filters, message) => {
  expect(await pruned(filters)).toEqual({ deleted: message, left: ['entry', 'old', 'kept', 'new'] })
})
