/** What real engines were asked, asked of the real control plane: no script has the words. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { NetworkJson } from '../src/objects/network-json.ts'
import type { NodeJson } from '../src/objects/node-json.ts'
import type { EventJson } from '../src/objects/system-json.ts'
import { managedRig } from './managed-node.ts'
import { answerOf, recorded, requestOf } from './recorded.ts'

const IP = '192.0.2.1'

const { api, node, clock, ...managed } = managedRig(`${IP}:2377`)

afterAll(() => managed[Symbol.asyncDispose]())

interface Told {
  readonly status: number
  readonly answer: unknown
}

async function answered(request: Request): Promise<Told> {
  const response = await api(request)
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true
  return { status: response.status, answer: isJson ? JSON.parse(text) : text }
}

function send(method: string, path: string, body?: object): Promise<Told> {
  const json = body === undefined ? null : JSON.stringify(body)
  const headers: Record<string, string> =
    json === null ? {} : { 'content-type': 'application/json' }
  return answered(new Request(`http://docker${path}`, { method, body: json, headers }))
}

async function messageOf(request: Request): Promise<{ status: number; message: string }> {
  const { status, answer } = await answered(request)
  return { status, message: (answer as { message: string }).message }
}

const wordsOf = (name: string): string => answerOf<{ message: string }>(name).message

/** IDs differ. */
const withoutIds = (text: string): string => text.replaceAll(/\b[0-9a-z]{25}\b/g, 'ID')

describe('before there is a swarm', () => {
  test.each([
    [{ Labels: { a: 'b' } }, 501, /Labels of a swarm/],
    [{ Name: 'other' }, 400, /must be named "default"/],
    [{ Raft: { ElectionTick: 3 } }, 501, /Raft.ElectionTick/],
    [{ CAConfig: { NodeCertExpiry: 1e9 } }, 400, /minimum certificate expiry time is: 1h0m0s/],
  ])('%j is refused, and leaves none behind', async (Spec, status, words) => {
    const asked = await send('POST', '/swarm/init', { ListenAddr: IP, AdvertiseAddr: IP, Spec })
    expect(asked.status).toBe(status)
    expect((asked.answer as { message: string }).message).toMatch(words)
    expect(node.view().state).toBe('inactive')
  })
})

describe('a swarm', () => {
  beforeAll(async () => {
    const wish = { ListenAddr: IP, AdvertiseAddr: IP }
    expect((await send('POST', '/swarm/init', wish)).status).toBe(200)
    // Docker makes one with every swarm.
    const ingress = { Name: 'ingress', Driver: 'overlay', Ingress: true }
    expect((await send('POST', '/networks/create', ingress)).status).toBe(201)
    for (const name of ['create', 'create full', 'create vni', 'create six', 'create all']) {
      const { body, ...rest } = recorded(name)
      // IPv6 needs more than Docker's 1300 leaves under ESP.
      const text = JSON.stringify(body).replace('"1300"', '"1400"')
      const { status, answer } = await answered(requestOf({ ...rest, body: text }))
      expect({ name, status, answer }).toMatchObject({ name, status: 201, answer: { Warning: '' } })
    }
  })

  const shownAs = async (name: string): Promise<[shown: NetworkJson, wanted: NetworkJson]> => {
    const wanted = answerOf<NetworkJson>(name)
    const { answer } = await send('GET', `/networks/${wanted.Name}`)
    const own = { Id: wanted.Id, Created: wanted.Created }
    expect((answer as NetworkJson).Id).toMatch(/^[0-9a-z]{25}$/)
    return [{ ...(answer as NetworkJson), ...own }, wanted]
  }

  test.each(['network', 'network vni'])('%s has all that Docker gives', async (name) => {
    const [shown, wanted] = await shownAs(name)
    expect(shown).toEqual(wanted)
  })

  test('network full, with the auxiliary addresses that Docker does not show', async () => {
    const [shown, wanted] = await shownAs('network full')
    const [config] = wanted.IPAM.Config ?? []
    const Config = [{ ...config, AuxiliaryAddresses: { router: '10.7.0.2' } }]
    expect(shown).toEqual({ ...wanted, IPAM: { ...wanted.IPAM, Config } })
  })

  test('both families, labelled, internal and encrypted: a VNI for each IPv4 subnet', async () => {
    const [shown, wanted] = await shownAs('network all')
    const [four, six, ranged] = wanted.IPAM.Config ?? []
    const Config = [
      four,
      { ...six, AuxiliaryAddresses: { dns: 'fd00:8::5' } },
      // Docker shows host bits that mean nothing, and takes the gateway from the range.
      { ...ranged, Subnet: '10.8.1.0/24', Gateway: '10.8.1.1' },
    ]
    const Options = {
      ...wanted.Options,
      'com.docker.network.driver.mtu': '1400',
      'com.docker.network.driver.overlay.vxlanid_list': '4100,4101',
    }
    expect(shown).toEqual({ ...wanted, IPAM: { ...wanted.IPAM, Config }, Options })
  })

  test('IPv6 comes beside IPv4, where Docker makes a network without it', async () => {
    const [shown, wanted] = await shownAs('network six')
    const Config = [{ Subnet: '10.0.3.0/24', Gateway: '10.0.3.1' }, ...(wanted.IPAM.Config ?? [])]
    expect(shown).toEqual({ ...wanted, IPAM: { ...wanted.IPAM, Config } })
  })

  /** The control plane's own words, which the API hands on. */
  const same = [
    ...['create twice', 'create bad name', 'create long name', 'create reserved'],
    ...['create bad gateway', 'create wrong gateway', 'create bad range', 'create second ingress'],
    ...['network missing', 'remove network missing', 'node missing', 'node update missing'],
    ...['prune bad filter', 'leave last', 'init again', 'join again'],
  ]
  test.each(same)('%s is refused as by Docker', async (name) => {
    const wanted = recorded(name)
    const { status, message } = await messageOf(requestOf(wanted))
    expect(withoutIds(message)).toBe(withoutIds(wordsOf(name)))
    expect(status).toBe(wanted.status)
  })

  test.each([
    ['demote last', 'POST', 'update', { Role: 'worker', Availability: 'active' }],
    ['remove self', 'DELETE', '', undefined],
  ])('%s, too', async (name, method, verb, body) => {
    const [own] = (await send('GET', '/nodes')).answer as NodeJson[]
    const query = verb === '' ? '?force=true' : `/${verb}?version=${own?.Version.Index}`
    const { status, answer } = await send(method, `/nodes/${own?.ID}${query}`, body)
    expect(withoutIds((answer as { message: string }).message)).toBe(withoutIds(wordsOf(name)))
    expect(status).toBe(recorded(name).status)
  })

  /** What Docker takes, and then does not do: an answer of 201 with a network that never works. */
  test.each([
    ['create bad option', 400, 'unknown driver option: colour'],
    ['create bad mtu', 400, 'invalid value "x" for com.docker.network.driver.mtu'],
    ['create bad vni', 400, 'invalid vxlan id value "x" passed'],
    ['create taken vni', 409, 'vxlan id 5000 is in use by network vni'],
    ['create taken subnet', 409, 'Pool overlaps with other one on this address space'],
    ['create bad auxiliary', 400, 'invalid auxiliary address moon'],
  ])('%s is refused, where Docker makes something', async (name, status, words) => {
    expect(recorded(name).status).toBe(201)
    const told = await messageOf(requestOf(recorded(name)))
    expect(told.status).toBe(status)
    expect(told.message).toContain(words)
  })

  test('a swarm that changed since it was read', async () => {
    const { status, answer } = await send('POST', '/swarm/update?version=999', {})
    const name = 'update old version'
    expect({ status, answer }).toMatchObject({
      status: recorded(name).status,
      answer: { message: wordsOf(name) },
    })
  })

  test('settings out of bounds, over the control plane', async () => {
    const { answer } = await send('GET', '/swarm')
    const { Version } = answer as { Version: { Index: number } }
    const Spec = recorded('update short certificate').body as object
    const told = await send('POST', `/swarm/update?version=${Version.Index}`, Spec)
    expect(told).toMatchObject({
      status: recorded('update short certificate').status,
      answer: { message: wordsOf('update short certificate') },
    })
  })

  test('what was made is told as events, and prune removes what nothing uses', async () => {
    const until = clock.wall() / 1000
    const filters = encodeURIComponent(recorded('events created').path.split('filters=')[1] ?? '')
    const path = `/events?since=0&until=${until}&filters=${filters}`
    const docker = JSON.parse(String(answerOf('events created')).split('\n')[0] ?? '') as EventJson
    const event = (await send('GET', path)).answer as EventJson
    const fields = { ...docker, Actor: { ...docker.Actor, ID: event.Actor.ID } }
    expect({ ...event, time: 0, timeNano: 0 }).toEqual({ ...fields, time: 0, timeNano: 0 })
    const labelled = await answered(requestOf(recorded('prune label')))
    expect(labelled.answer).toEqual(answerOf('prune label'))
    const { answer } = await answered(requestOf(recorded('prune')))
    expect(answer).toEqual({ NetworksDeleted: ['blue', 'vni', 'six', 'all'] })
    const nothing = await answered(requestOf(recorded('prune nothing')))
    expect(nothing.answer).toEqual(answerOf('prune nothing'))
    const left = (await send('GET', '/networks')).answer as NetworkJson[]
    expect(left.map(({ Name }) => Name)).toEqual(['ingress'])
    expect((await answered(requestOf(recorded('remove ingress')))).status).toBe(204)
  })
})
