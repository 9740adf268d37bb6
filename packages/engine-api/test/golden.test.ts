/** Our answers against those that real engines gave, field for field. */
import { describe, expect, test } from 'vitest'
import { API_VERSION } from '../src/index.ts'
import type { NetworkJson } from '../src/objects/network-json.ts'
import type { NodeJson } from '../src/objects/node-json.ts'
import type { SwarmInfoJson } from '../src/objects/system-json.ts'
import { localNetworkOf, networkOf, nodeOf } from './from-json.ts'
import { answerOf, recorded, requestOf, RECORDED_NETWORKS } from './recorded.ts'
import { controlOf, rig, type Rig } from './scripted-node.ts'

const ask = async ({ api }: Rig, name: string): Promise<Response> => api(requestOf(recorded(name)))

describe('answers are those of Docker 20.10', () => {
  test.each(['swarm', 'nodes', 'nodes by old filter', 'nodes by role', 'nodes by name'])(
    '%s',
    async (name) => {
      const response = await ask(rig('manager'), name)
      expect(response.status).toBe(200)
      expect(await response.json()).toEqual(answerOf(name))
    },
  )

  test.each(['node self', 'node worker', 'node by prefix'])('%s', async (name) => {
    const one = rig('manager')
    const wanted = answerOf<NodeJson>(name)
    const others = controlOf(one).nodeObjects.filter(({ id }) => id !== wanted.ID)
    controlOf(one).nodeObjects = [...others, nodeOf(wanted)]
    expect(await (await ask(one, name)).json()).toEqual(wanted)
  })

  test('a node with a name, a label and another availability', async () => {
    const wanted = answerOf<NodeJson>('node updated')
    const one = rig('manager')
    controlOf(one).nodeObjects = [nodeOf(wanted)]
    expect(await (await one.get(`/nodes/${wanted.ID}`)).json()).toEqual(wanted)
    expect(await (await ask(one, 'nodes by label')).json()).toEqual(answerOf('nodes by label'))
    expect(await (await ask(one, 'nodes by engine label')).json()).toEqual([])
  })

  test('networks that are not here', async () => {
    const one = rig('manager')
    expect(await (await one.get('/networks')).json()).toEqual(RECORDED_NETWORKS)
    const plain = ['network', 'network full', 'network six', 'network vni', 'network all']
    const names = [...plain, 'network by prefix']
    for (const name of names) {
      const wanted = answerOf<NetworkJson>(name)
      expect(await (await one.get(`/networks/${wanted.Name}`)).json()).toEqual(wanted)
      expect(await (await one.get(`/networks/${wanted.Id.slice(0, 9)}`)).json()).toEqual(wanted)
    }
  })

  const lists = ['by driver', 'by label', 'by label value', 'by name part', 'by name start']
  const others = ['by scope', 'by id part', 'by bad scope', 'by dangling']
  test.each([...lists, ...others])('networks %s', async (name) => {
    expect(await (await ask(rig('manager'), name)).json()).toEqual(answerOf(name))
  })

  test.each([
    ['manager', 'network used', 'network verbose'],
    ['worker', 'worker network used', 'worker network verbose'],
  ] as const)('a network with endpoints, on a %s', async (role, plain, verbose) => {
    const one = rig(role)
    const wanted = withOurKeys(answerOf<NetworkJson>(verbose))
    one.node.networkList = [localNetworkOf(wanted)]
    if (role === 'manager') controlOf(one).networkObjects = [networkOf(wanted)]
    const { Services, ...rest } = wanted
    expect(await (await ask(one, plain)).json()).toEqual(rest)
    const shown = (await (await ask(one, verbose)).json()) as NetworkJson
    if (Services === undefined) throw new Error('nothing verbose is recorded')
    expect(byName(shown)).toEqual(byName({ ...rest, Services }))
  })

  test('a network in a list shows its peers where it is, and no endpoints', async () => {
    const one = rig('worker')
    const listed = answerOf<NetworkJson[]>('worker networks').find(({ Name }) => Name === 'blue')
    const verbose = withOurKeys(answerOf<NetworkJson>('worker network verbose'))
    one.node.networkList = [localNetworkOf({ ...verbose, Created: listed?.Created ?? '' })]
    expect(await (await one.get('/networks')).json()).toEqual([listed])
    expect(await (await ask(one, 'worker by name')).json()).toEqual([listed])
  })

  test.each([
    ['inactive info', null],
    ['info', 'manager'],
    ['worker info', 'worker'],
  ] as const)('%s has the same fields of the same kinds', async (name, role) => {
    const wanted = answerOf<{ Swarm: SwarmInfoJson }>(name)
    const shown = (await (await ask(rig(role), name)).json()) as typeof wanted
    expect(shown.Swarm.Cluster?.Spec).toEqual(wanted.Swarm.Cluster?.Spec)
    expect(kindsOf(shown)).toEqual(kindsOf(wanted))
    expect({ ...shown.Swarm, Cluster: null }).toEqual({ ...wanted.Swarm, Cluster: null })
  })

  test('version has the same fields of the same kinds', async () => {
    const wanted = answerOf<{ Components: unknown[] }>('version')
    const shown = (await (await ask(rig(), 'version')).json()) as object
    expect(kindsOf(shown)).toEqual(kindsOf({ ...wanted, Components: [wanted.Components[0]] }))
  })

  test.each(['ping', 'head ping', 'oldest'])('%s', async (name) => {
    const { status, headers, answer } = recorded(name)
    const response = await ask(rig(), name)
    expect(response.status).toBe(status)
    expect(await response.text()).toBe(answer)
    for (const [header, value] of Object.entries(headers)) {
      expect(response.headers.get(header)?.toLowerCase()).toBe(value.toLowerCase())
    }
    expect(response.headers.get('api-version')).toBe(API_VERSION)
  })
})

/** Endpoints are nobody's containers here; Docker has a form for such, and for no balancers. */
function withOurKeys(json: NetworkJson): NetworkJson {
  const containers = Object.values(json.Containers ?? {})
  const ours = containers.filter(({ Name }) => !Name.endsWith('-endpoint'))
  const Containers = Object.fromEntries(ours.map((one) => [`ep-${one.EndpointID}`, one]))
  return { ...json, Containers }
}

/** Docker's order of tasks is a map's. */
function byName(json: NetworkJson): unknown {
  const service = json.Services?.['']
  const tasks = [...(service?.Tasks ?? [])].sort((a, b) => (a.Name < b.Name ? -1 : 1))
  return { ...json, Services: { '': { ...service, Tasks: tasks } } }
}

/** Names that users choose, under which anything may stand. */
const OPEN = ['Labels', 'Runtimes', 'IndexConfigs', 'Options']

/** Fields with the kinds of their values; lists by what is in them first. */
function kindsOf(value: unknown, field = ''): unknown {
  if (value === null || field === 'Warnings') return 'null or list'
  if (Array.isArray(value)) return 'list'
  if (typeof value !== 'object') return typeof value
  if (OPEN.includes(field)) return 'map'
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, kindsOf(one, name)]))
}
