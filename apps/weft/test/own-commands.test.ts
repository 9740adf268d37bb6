/** Commands that Docker has not: attach and what it leaves to look at. */
import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { PID_MAX } from '../src/options/attachment-list.ts'
import { eventLine } from '../src/commands/events.ts'
import { recordedEngine, runWeft, type Answer } from './recorded-engine.ts'

const ATTACHMENT = {
  attachmentId: 'q1w2e3r4t5y6u7i8o9p0a1s2d',
  endpointId: 'ab'.repeat(32),
  networkId: 'n1',
  networkName: 'blue',
  name: 'c1',
  aliases: ['db'],
  addresses: ['10.0.0.2/24'],
  mac: '02:42:0a:00:00:02',
  ifname: 'eth0',
  netns: '/run/netns/c1',
  state: 'running',
  error: '',
}

const CREATED: Answer = {
  method: 'POST',
  path: '/weft/attachments',
  status: 201,
  body: ATTACHMENT,
}

test('attach says what is attached, and prints the endpoint', async () => {
  await using engine = await recordedEngine([CREATED])
  const line =
    'attach --network blue --name c1 --netns /run/netns/c1 --ip 10.0.0.2 --alias db --alias d2 ' +
    '--ifname net1'
  const printed = await runWeft(line.split(' '), engine.socketPath)
  expect(printed).toEqual({ out: `${ATTACHMENT.endpointId}\n`, err: '', status: 0 })
  expect(engine.received[0]?.body).toEqual({
    network: 'blue',
    name: 'c1',
    aliases: ['db', 'd2'],
    netns: '/run/netns/c1',
    ifname: 'net1',
    address: '10.0.0.2',
  })
  const json = await runWeft([...line.split(' '), '--json'], engine.socketPath)
  expect(JSON.parse(json.out)).toEqual(ATTACHMENT)
})

test('a process stands for its namespace, up to the highest number there is', async () => {
  await using engine = await recordedEngine([CREATED])
  const attach = (pid: string): ReturnType<typeof runWeft> =>
    runWeft(['attach', '--network', 'b', '--name', 'c', '--pid', pid], engine.socketPath)
  expect((await attach(String(PID_MAX))).status).toBe(0)
  expect(engine.received[0]?.body).toMatchObject({ netns: `/proc/${PID_MAX}/ns/net` })
  const beyond = await attach(String(PID_MAX + 1))
  expect(beyond.err).toContain('for "--pid" flag: not a process number')
  expect((await attach('self')).status).toBe(125)
})

test('detach takes IDs, network/name, or both by option, and goes on after a failure', async () => {
  const gone = { message: 'attachment nope not found', code: 'ERR_NOT_FOUND' }
  await using engine = await recordedEngine([
    { method: 'DELETE', path: '/weft/attachments/nope', status: 404, body: gone },
    { method: 'DELETE', path: '/weft/attachments/blue%2Fc1', status: 204 },
  ])
  const printed = await runWeft(['detach', 'nope', 'blue/c1'], engine.socketPath)
  expect(printed).toEqual({
    out: 'blue/c1\n',
    err: 'Error response from daemon: attachment nope not found\n',
    status: 1,
  })
  const named = ['detach', '--network', 'blue', '--name', 'c1']
  expect((await runWeft(named, engine.socketPath)).out).toBe('blue/c1\n')
})

test('attachments, peers and keys are tables, or JSON', async () => {
  const failed = { ...ATTACHMENT, state: 'failed', error: 'no such\tnamespace' }
  const peer = { name: 'p1', address: '10.9.0.2', state: 'alive', weft: false, networks: ['n1'] }
  const key = { subsystem: 'gossip', tag: '17', isPrimary: true, since: 1_000_000 }
  await using engine = await recordedEngine([
    { method: 'GET', path: '/weft/attachments', body: [ATTACHMENT, failed] },
    { method: 'GET', path: '/weft/peers', body: [peer] },
    { method: 'GET', path: '/weft/keys', body: [key] },
    { method: 'GET', path: '/info', body: { SystemTime: '1970-01-01T01:16:40Z' } },
  ])
  const printed = async (line: string): Promise<string> =>
    (await runWeft(line.split(' '), engine.socketPath)).out
  expect(await printed('attachments')).toBe(
    'ENDPOINT ID    NETWORK   NAME      ADDRESS       INTERFACE   NAMESPACE       STATE\n' +
      'abababababab   blue      c1        10.0.0.2/24   eth0        /run/netns/c1   running\n' +
      'abababababab   blue      c1        10.0.0.2/24   eth0        /run/netns/c1   ' +
      'failed: no such namespace\n',
  )
  expect(await printed('attachments -q --no-trunc')).toBe(`${ATTACHMENT.endpointId}\n`.repeat(2))
  expect(JSON.parse(await printed('attachments --json'))).toEqual([ATTACHMENT, failed])
  expect(await printed('peers')).toContain('p1        10.9.0.2   alive     docker    1\n')
  expect(JSON.parse(await printed('peers --json'))).toEqual([peer])
  expect(await printed('keys')).toContain('gossip      17        *         About an hour\n')
  expect(JSON.parse(await printed('keys --json'))).toEqual([key])
})

test('status is a screen, with what failed and how full networks are', async () => {
  const status = {
    state: 'active',
    error: '',
    nodeId: 'n9',
    clusterId: 'c9',
    role: 'manager',
    nodeAddress: '10.9.0.1',
    managers: [{ nodeId: 'n9', address: '10.9.0.1:2377' }],
    connected: true,
    hostname: 'vm',
    dataplane: 'kernel',
    ready: false,
    failedItems: [{ item: 'networks/n1', code: 'ERR_CONFLICT', message: 'VNI taken' }],
    attachments: 2,
    networks: 1,
    peers: 3,
    usage: [{ networkId: 'n1', name: 'blue', allocated: 250, capacity: 253, alarm: true }],
  }
  await using engine = await recordedEngine([{ method: 'GET', path: '/weft/status', body: status }])
  const { out } = await runWeft(['status'], engine.socketPath)
  expect(out.split('\n')).toEqual([
    'State:       active',
    'Node:        n9 (vm)',
    'Cluster:     c9',
    'Role:        manager',
    'Address:     10.9.0.1',
    'Managers:    10.9.0.1:2377',
    'Session:     open',
    'Ready:       no',
    'Dataplane:   kernel',
    'Networks:    1',
    'Attachments: 2',
    'Peers:       3',
    'Not programmed:',
    '  networks/n1: VNI taken (ERR_CONFLICT)',
    'Address use:',
    '  blue: 250 of 253, nearly full',
    '',
  ])
  const json = await runWeft(['status', '--json'], engine.socketPath)
  expect(JSON.parse(json.out)).toEqual(status)
})

test('events are lines with the instant, what happened and to whom', () => {
  const seconds = 1_795_262_424
  const event = {
    Type: 'network',
    Action: 'create',
    Actor: { ID: 'n1', Attributes: { type: 'overlay', name: 'blue' } },
    scope: 'swarm',
    time: seconds,
    timeNano: seconds * 1e9 + 123_456_768,
  } as const
  const line = eventLine(event)
  expect(line).toMatch(/^2026-11-2\dT\d\d:\d\d:24\.123456768(Z|[+-]\d\d:\d\d) network create n1 /)
  expect(line).toMatch(/ \(name=blue, type=overlay\)$/)
  expect(eventLine({ ...event, time: 0, Actor: { ID: 'n1', Attributes: {} } })).toBe(
    'network create n1',
  )
})

test('a shell completes commands and options', async () => {
  const { out } = await runWeft(['completion', 'bash'], '/nonexistent')
  const complete = (...words: readonly string[]): string[] => {
    const list = words.map((word) => `'${word}'`).join(' ')
    const script = `${out}\nCOMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _weft\n`
    const answer = execFileSync('bash', ['-c', `${script}printf '%s\\n' "\${COMPREPLY[@]}"`])
    return answer.toString().trim().split('\n')
  }
  expect(complete('weft', 'att')).toEqual(['attach', 'attachments'])
  expect(complete('weft', 'network', 'cr')).toEqual(['create'])
  expect(complete('weft', 'network', 'create', '--sub')).toEqual(['--subnet'])
  expect((await runWeft(['completion', 'zsh'], '/nonexistent')).out).toContain('#compdef weft')
  expect((await runWeft(['completion', 'fish'], '/nonexistent')).err).toBe('unknown shell fish\n')
})
