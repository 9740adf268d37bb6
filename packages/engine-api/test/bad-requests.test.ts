/** Requests that are wrong: told what is, by name; nothing reaches the node. */
import { describe, expect, test } from 'vitest'
import { WeftError } from '@weft/core'
import {
  BODY_BYTES_MAX,
  DATA_PATH_PORT_MAX,
  DATA_PATH_PORT_MIN,
  FILTERS_BYTES_MAX,
  IFNAME_LENGTH_MAX,
  NETNS_PATH_BYTES_MAX,
} from '../src/index.ts'
import { swarmError, type SwarmErrorCode } from '@weft/swarm'
import { RECORDED_SWARM } from './recorded.ts'
import { controlOf, rig, type Rig } from './scripted-node.ts'

interface Told {
  readonly status: number
  readonly message: string
}

const told = async (asked: Promise<Response>): Promise<Told> => {
  const response = await asked
  const text = await response.text()
  const { message } = (text === '' ? { message: '' } : JSON.parse(text)) as { message: string }
  return { status: response.status, message }
}

/** What was refused, and that it got nowhere. */
const refused = async (one: Rig, path: string, body: unknown): Promise<Told> => {
  const before = one.node.calls.length
  const answer = await told(one.send('POST', path, body))
  expect(one.node.calls).toHaveLength(before)
  return answer
}

describe('bodies', () => {
  const create = '/networks/create'

  test.each([
    ['[]', 'json: cannot unmarshal array into Go value of type NetworkCreateRequest'],
    ['null', 'json: cannot unmarshal null into Go value of type NetworkCreateRequest'],
    ['7', 'json: cannot unmarshal number into Go value of type NetworkCreateRequest'],
    ['{"a":1}}', 'the body is no JSON'],
    ['  ', 'got EOF while reading request body'],
    ['{"Name":"', 'unexpected EOF'],
  ])('%s', async (body, message) => {
    expect(await refused(rig('manager'), create, body)).toEqual({ status: 400, message })
  })

  const field = (name: string, found: string, kind: string): string => {
    const place = `Go struct field NetworkCreateRequest.${name}`
    return `json: cannot unmarshal ${found} into ${place} of type ${kind}`
  }
  test.each([
    [{ Labels: ['a'] }, field('Labels', 'array', 'map[string]string')],
    [{ Labels: { a: 7 } }, field('Labels', 'object', 'map[string]string')],
    [{ Internal: 'yes' }, field('Internal', 'string', 'bool')],
    [{ IPAM: true }, field('IPAM', 'bool', 'object')],
    [{ IPAM: { Config: {} } }, field('IPAM.Config', 'object', 'array')],
    [{ IPAM: { Config: [7] } }, field('IPAM.Config', 'array', 'array')],
    [{ IPAM: { Config: [{ Subnet: 7 }] } }, field('IPAM.Config.Subnet', 'number', 'string')],
  ])('a field of another kind: %j', async (body, message) => {
    const whole = { Name: 'red', Driver: 'overlay', ...body }
    expect(await refused(rig('manager'), create, whole)).toEqual({ status: 400, message })
  })

  test('lists of texts and counts', async () => {
    const wrong = [{ DefaultAddrPool: [7] }, { DefaultAddrPool: 'x' }, { SubnetSize: -1 }]
    for (const body of [...wrong, { DataPathPort: 1.5 }, { DataPathPort: '4789' }]) {
      const { status, message } = await refused(rig(), '/swarm/init', body)
      expect(status).toBe(400)
      expect(message).toMatch(/^json: cannot unmarshal \w+ into Go struct field InitRequest\.\w+/)
    }
  })

  test('names of fields in another case, as Go reads them', async () => {
    const one = rig('manager')
    const response = await one.send('POST', create, { name: 'red', DRIVER: 'overlay' })
    expect(response.status).toBe(201)
  })

  test('another content type', async () => {
    const body = '{"Name":"red"}'
    const headers = { 'content-type': 'text/plain' }
    const request = new Request(`http://weft${create}`, { method: 'POST', body, headers })
    const message = "Content-Type specified (text/plain) must be 'application/json'"
    expect(await told(rig('manager').api(request))).toEqual({ status: 400, message })
  })

  test('end at BODY_BYTES_MAX', async () => {
    const of = (size: number): string => {
      const empty = JSON.stringify({ Name: 'red', Pad: '' })
      return JSON.stringify({ Name: 'red', Pad: 'x'.repeat(size - empty.length) })
    }
    const one = rig('manager')
    expect((await one.send('POST', create, of(BODY_BYTES_MAX))).status).toBe(201)
    const message = `the body is longer than ${BODY_BYTES_MAX} bytes`
    expect(await refused(one, create, of(BODY_BYTES_MAX + 1))).toEqual({ status: 400, message })
  })
})

describe('queries', () => {
  const ask = async (filters: string): Promise<Told> =>
    told(rig('manager').get(`/networks?filters=${encodeURIComponent(filters)}`))

  const none = ['7', '[]', '{"name":7}', '{"name":[7]}', '{"name":null}', '{']
  test.each([...none, '{"name":{"a":false}}', '{"name":{"a":{}}}', '{"name":{"a":true,"b":1}}'])(
    'filters that are none: %s',
    async (filters) => {
      const message = 'filters must be a JSON object of lists'
      expect(await ask(filters)).toEqual({ status: 400, message })
    },
  )

  test('filters end at FILTERS_BYTES_MAX', async () => {
    const of = (size: number): string => `{"name":["${'x'.repeat(size - '{"name":[""]}'.length)}"]}`
    expect((await ask(of(FILTERS_BYTES_MAX))).status).toBe(200)
    expect(await ask(of(FILTERS_BYTES_MAX + 1))).toEqual({
      status: 400,
      message: 'filters are too long',
    })
  })

  test('a flag that is asked both ways', async () => {
    expect((await ask('{"dangling":["true","false"]}')).status).toBe(400)
    expect((await ask('{"dangling":["1","true"]}')).status).toBe(200)
  })

  test('force, as Docker reads it', async () => {
    const texts = [['1', true], ['yes', true], ['0', false], ['No', false]] as const
    for (const [text, force] of texts) {
      const one = rig('worker')
      await one.send('POST', `/swarm/leave?force=${text}`)
      expect(one.node.calls).toEqual([['leave', { force }]])
    }
  })

  test('an ambiguous name of a network is told by name', async () => {
    const one = rig('manager')
    const [a, b] = controlOf(one).networkObjects
    if (a === undefined || b === undefined) throw new Error('no networks')
    controlOf(one).networkObjects = [a, { ...a, id: b.id }]
    const name = a.spec?.annotations?.name
    const message = `2 matches found based on name: network ${name} is ambiguous`
    expect(await told(one.get(`/networks/${name}`))).toEqual({ status: 400, message })
  })

  test('an empty term means no object', async () => {
    expect((await rig('manager').send('DELETE', '/networks/%20')).status).toBe(404)
    expect((await rig('manager').send('DELETE', '/networks/')).status).toBe(404)
    expect((await rig('manager').send('DELETE', '/nodes/')).status).toBe(404)
  })
})

describe('what cannot be had is refused by name', () => {
  const full = { Name: 'red', Driver: 'overlay' }
  test.each([
    [{ ...full, ConfigOnly: true }, 501, 'config-only networks'],
    [{ ...full, ConfigFrom: { Network: 'x' } }, 501, 'config-only networks'],
    [{ ...full, IPAM: { Driver: 'moon' } }, 501, 'the IPAM driver "moon"'],
    [{ ...full, Scope: 'local' }, 403, 'cannot downgrade network scope for overlay networks'],
    [{ ...full, Scope: 'global' }, 501, 'scope "global"'],
    [{ ...full, Driver: 'macvlan' }, 404, 'the driver "overlay"'],
  ])('network: %j', async (body, status, words) => {
    const answer = await refused(rig('manager'), '/networks/create', body)
    expect(answer.status).toBe(status)
    expect(answer.message).toContain(words)
  })

  test.each([
    [{ ForceNewCluster: true }, 'ForceNewCluster'],
    [{ AutoLockManagers: true }, 'AutoLockManagers'],
    [{ Spec: { EncryptionConfig: { AutoLockManagers: true } } }, '.AutoLockManagers'],
    [{ Spec: { CAConfig: { ExternalCAs: [{ URL: 'x' }] } } }, 'CAConfig.ExternalCAs'],
    [{ Spec: { CAConfig: { SigningCAKey: 'x' } } }, 'CAConfig.SigningCAKey'],
    [{ Spec: { TaskDefaults: { LogDriver: {} } } }, 'TaskDefaults.LogDriver'],
  ])('swarm: %j', async (body, words) => {
    const answer = await refused(rig(), '/swarm/init', body)
    expect(answer.status).toBe(501)
    expect(answer.message).toContain(words)
  })

  const path = `/swarm/update?version=${RECORDED_SWARM.Version.Index}`
  test.each([
    [{ Raft: { SnapshotInterval: 7 } }, 'Raft.SnapshotInterval'],
    [{ Orchestration: { TaskHistoryRetentionLimit: 7 } }, '.TaskHistoryRetentionLimit'],
    [{ Labels: { b: 'c' } }, 'Labels'],
    [{ CAConfig: { ForceRotate: 1 } }, 'CAConfig.ForceRotate'],
  ])('update: %j', async (body, words) => {
    const answer = await refused(rig('manager'), path, body)
    expect(answer.status).toBe(501)
    expect(answer.message).toContain(words)
  })

  test('update that changes nothing, and one of two settings', async () => {
    const one = rig('manager')
    for (const body of [RECORDED_SWARM.Spec, {}, { Name: '', Labels: {}, Raft: {} }]) {
      expect(await told(one.send('POST', path, body))).toEqual({ status: 200, message: '' })
    }
    expect(one.node.calls).toEqual([])
    await one.send('POST', path, { Dispatcher: { HeartbeatPeriod: 9e9 } })
    const version = BigInt(RECORDED_SWARM.Version.Index)
    expect(one.node.calls).toEqual([['updateCluster', version, { heartbeatPeriodMs: 9000 }]])
    const unlock = await told(one.send('POST', `${path}&rotateManagerUnlockKey=true`, {}))
    expect(unlock).toMatchObject({ status: 501 })
  })

  test('settings of a new swarm are set once it is there', async () => {
    const one = rig()
    const Spec = { CAConfig: { NodeCertExpiry: 7_200e9 }, Dispatcher: { HeartbeatPeriod: 5e9 } }
    expect((await one.send('POST', '/swarm/init', { Spec })).status).toBe(200)
    expect(one.node.calls.map(([method]) => method)).toEqual(['init', 'updateCluster'])
    expect(one.node.calls[1]?.[2]).toEqual({ nodeCertificateValidityMs: 7_200_000 })
  })

  test.each([DATA_PATH_PORT_MIN - 1, DATA_PATH_PORT_MAX + 1])('port %d', async (port) => {
    const { status, message } = await refused(rig(), '/swarm/init', { DataPathPort: port })
    const words = `Datapath port number is not in valid range (1024-49151) : ${port}`
    expect({ status, message }).toEqual({ status: 400, message: words })
  })

  test.each([0, DATA_PATH_PORT_MIN, DATA_PATH_PORT_MAX])('but port %d', async (port) => {
    const one = rig()
    expect((await one.send('POST', '/swarm/init', { DataPathPort: port })).status).toBe(200)
    expect(one.node.calls[0]?.[1]).toMatchObject({ dataPathPort: port })
  })

  test('joining nobody', async () => {
    const message = 'at least 1 RemoteAddr is required to join'
    const answer = await refused(rig(), '/swarm/join', { JoinToken: 'x' })
    expect(answer).toEqual({ status: 400, message })
  })
})

describe('attachments', () => {
  const good = { network: 'blue', name: 'c1', netns: '/run/netns/c1' }
  test.each([
    [{ ...good, network: '' }, 'network is required'],
    [{ ...good, name: '' }, 'name is required'],
    [{ ...good, netns: '' }, 'netns is required'],
    [{ ...good, netns: 'run/netns/c1' }, 'netns must be an absolute path: "run/netns/c1"'],
    [{ ...good, netns: '/a\0b' }, 'netns must be an absolute path: "/a\\u0000b"'],
    [{ ...good, ifname: 'a/b' }, 'not a name of an interface: "a/b"'],
    [{ ...good, ifname: '..' }, 'not a name of an interface: ".."'],
    [{ ...good, address: '10.0.1.5/24' }, 'invalid IP address: 10.0.1.5/24'],
  ])('%j', async (body, message) => {
    const answer = await refused(rig('worker'), '/weft/attachments', body)
    expect(answer).toEqual({ status: 400, message })
  })

  test('names of interfaces end at IFNAME_LENGTH_MAX, paths at NETNS_PATH_BYTES_MAX', async () => {
    const one = rig('worker')
    const path = (length: number): string => `/${'x'.repeat(length - 1)}`
    const [ifname, netns] = ['e'.repeat(IFNAME_LENGTH_MAX), path(NETNS_PATH_BYTES_MAX)]
    const response = await one.send('POST', '/weft/attachments', { ...good, ifname, netns })
    expect(response.status).toBe(201)
    for (const longer of [{ ifname: `${ifname}e` }, { netns: path(NETNS_PATH_BYTES_MAX + 1) }]) {
      expect((await refused(one, '/weft/attachments', { ...good, ...longer })).status).toBe(400)
    }
  })
})

describe('what the node refuses', () => {
  const statuses: readonly (readonly [SwarmErrorCode, number])[] = [
    ['ERR_INVALID_ARGUMENT', 400],
    ['ERR_NOT_FOUND', 404],
    ['ERR_ALREADY_EXISTS', 409],
    ['ERR_PERMISSION_DENIED', 403],
    ['ERR_EXHAUSTED', 503],
    ['ERR_PRECONDITION', 503],
    ['ERR_OUT_OF_SEQUENCE', 500],
    ['ERR_ABORTED', 500],
    ['ERR_UNIMPLEMENTED', 501],
    ['ERR_UNAVAILABLE', 503],
    ['ERR_UNTRUSTED', 500],
  ]
  test.each(statuses)('%s is %d', async (code, status) => {
    const one = rig()
    const details = { subject: 'x', owner: 'y', problem: 'z' }
    one.node.refusal = swarmError(code, 'the words', details)
    const response = await one.send('POST', '/swarm/init', {})
    expect(response.status).toBe(status)
    expect(await response.json()).toEqual({ message: 'the words', code, details })
  })

  test('an error of another family keeps its code, and tells its facts', async () => {
    const one = rig()
    one.node.refusal = new WeftError('ERR_ADDRESS_IN_USE', 'the address is in use', { port: 2377 })
    const response = await one.send('POST', '/swarm/init', {})
    expect(response.status).toBe(500)
    expect(await response.json()).toEqual({
      message: 'the address is in use (port=2377)',
      code: 'ERR_ADDRESS_IN_USE',
      details: { port: 2377 },
    })
  })

  test.each([
    ['ERR_ATTACHMENT_MISSING', 404],
    ['ERR_CONFLICT', 409],
    ['ERR_INVALID_ITEM', 400],
    ['ERR_UNSUPPORTED', 501],
    ['ERR_KERNEL', 500],
  ] as const)('%s of an endpoint is %d', async (code, status) => {
    const one = rig()
    one.node.refusal = new WeftError(code, 'the words', { item: 'x' })
    const wish = { network: 'blue', name: 'c1', netns: '/run/netns/c1' }
    const response = await one.send('POST', '/weft/attachments', wish)
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ message: 'the words (item=x)', code })
  })

  test('what a manager elsewhere refused, in gRPC\'s words', async () => {
    const one = rig()
    const words = 'A valid join token is necessary to join this cluster'
    const wanted = { RemoteAddrs: ['192.0.2.1'], JoinToken: 'x' }
    for (const [subject, prefix] of [
      ['issueNodeCertificate', 'rpc error: code = InvalidArgument desc = '],
      ['token', ''],
      ['toString', ''],
    ] as const) {
      one.node.refusal = swarmError('ERR_INVALID_ARGUMENT', words, { subject })
      const answer = await told(one.send('POST', '/swarm/join', wanted))
      expect(answer).toEqual({ status: 400, message: `${prefix}${words}` })
    }
  })

  test.each([
    ['ERR_ADDRESS_IN_USE', '0.0.0.0:2377', 'address already in use'],
    ['ERR_ADDRESS_NOT_LOCAL', '192.0.2.1:2377', 'cannot assign requested address'],
  ])('%s of the listener, in Docker\'s words', async (code, address, why) => {
    const one = rig()
    one.node.refusal = new WeftError(code, 'not here', { address })
    const response = await one.send('POST', '/swarm/init', {})
    const failed = 'manager stopped: failed to listen on remote API address'
    const message = `${failed}: listen tcp ${address}: bind: ${why}`
    expect(response.status).toBe(500)
    expect(await response.json()).toEqual({ message, code, details: {} })
    one.node.refusal = new WeftError(code, 'not here', { address: '0.0.0.0:7946' })
    const { message: gossip } = await told(one.send('POST', '/swarm/init', {}))
    expect(gossip).toBe('not here (address=0.0.0.0:7946)')
  })

  test('a bug is logged, and not told', async () => {
    const one = rig()
    one.node.refusal = new TypeError('secret is not a function')
    const { status, message } = await told(one.send('POST', '/swarm/init', {}))
    expect(status).toBe(500)
    expect(message).toBe('internal error: see the log of weftd')
  })

  test('prune goes on past what was taken into use, and stops at a failure', async () => {
    const one = rig('manager')
    const control = controlOf(one)
    control.refusal = swarmError('ERR_PRECONDITION', 'in use', { subject: 'x' })
    const count = control.networkObjects.filter(({ spec }) => spec?.ingress !== true).length
    const answer = (await (await one.send('POST', '/networks/prune')).json()) as {
      NetworksDeleted: string[]
    }
    expect(answer.NetworksDeleted).toHaveLength(count - 1)
    const two = rig('manager')
    controlOf(two).refusal = swarmError('ERR_UNAVAILABLE', 'no store', { subject: 'x' })
    expect((await two.send('POST', '/networks/prune')).status).toBe(503)
  })
})

describe('what is not here', () => {
  test.each([
    ['GET', '/containers/json'],
    ['POST', '/v1.41/containers/create'],
    ['GET', '/images/json'],
    ['POST', '/build'],
    ['GET', '/volumes'],
    ['GET', '/tasks'],
    ['GET', '/secrets'],
    ['GET', '/configs'],
    ['GET', '/plugins'],
    ['GET', '/system/df'],
    ['POST', '/auth'],
    ['POST', '/networks/blue/disconnect'],
  ])('%s %s is 501, and says why', async (method, path) => {
    const { status, message } = await told(rig('manager').send(method, path))
    expect(status).toBe(501)
    expect(message).toMatch(/^Weft (has|runs) no /)
  })
})
