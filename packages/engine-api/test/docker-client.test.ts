/** The stock docker client against our API: it prints what it prints for dockerd. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { NetworkJson } from '../src/objects/network-json.ts'
import { serve } from './engine-server.ts'
import { localNetworkOf } from './from-json.ts'
import { answerOf, RECORDED_NETWORKS, RECORDED_NODES, RECORDED_SWARM } from './recorded.ts'
import { controlOf, rig, type Rig } from './scripted-node.ts'

/** Debian's package `docker.io`. Without it there is no stock client to test with. */
const DOCKER = '/usr/bin/docker'

interface Printed {
  readonly code: number
  readonly out: string
  readonly err: string
}

async function docker(one: Rig, ...words: string[]): Promise<Printed> {
  await using server = await serve(one.api)
  const env = { PATH: '/usr/bin:/bin', HOME: '/nonexistent', DOCKER_CONFIG: '/nonexistent' }
  const args = ['-H', `unix://${server.path}`, ...words]
  return await new Promise((resolve) => {
    execFile(DOCKER, args, { env, encoding: 'utf8' }, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err })
    })
  })
}

const short = (id: string): string => id.slice(0, 12)
const rowsOf = (text: string): string[][] =>
  text.trimEnd().split('\n').map((line) => line.trim().split(/\s{2,}/))

describe.runIf(existsSync(DOCKER))('the stock client', () => {
  test('network ls', async () => {
    const { code, out } = await docker(rig('manager'), 'network', 'ls')
    expect(code).toBe(0)
    const [header, ...rows] = rowsOf(out)
    expect(header).toEqual(['NETWORK ID', 'NAME', 'DRIVER', 'SCOPE'])
    const expected = RECORDED_NETWORKS.map(({ Id, Name }) => [short(Id), Name, 'overlay', 'swarm'])
    expect(rows.sort()).toEqual(expected.sort())
  })

  test('network ls with filters and a format', async () => {
    const words = ['--filter', 'name=blue', '--filter', 'driver=overlay', '--format', '{{.Name}}']
    expect((await docker(rig('manager'), 'network', 'ls', ...words)).out).toBe('blue\n')
  })

  test('network inspect, plain and verbose', async () => {
    const verbose = answerOf<NetworkJson>('worker network verbose')
    const one = rig('worker')
    one.node.networkList = [localNetworkOf(verbose)]
    const plain = await docker(one, 'network', 'inspect', 'blue')
    expect(plain.err).toBe('')
    expect(JSON.parse(plain.out)).toMatchObject([{ Name: 'blue', Peers: verbose.Peers }])
    const format = '{{range .Services}}{{range .Tasks}}{{.Name}} {{.EndpointIP}};{{end}}{{end}}'
    const shown = await docker(one, 'network', 'inspect', '-v', '--format', format, 'blue')
    const tasks = verbose.Services?.['']?.Tasks ?? []
    for (const { Name, EndpointIP } of tasks) expect(shown.out).toContain(`${Name} ${EndpointIP};`)
  })

  test('network create with everything, and rm', async () => {
    const one = rig('manager')
    const options = ['-d', 'overlay', '--attachable', '--internal', '--ipv6', '--label', 'a=b']
    const addresses = ['--subnet', '10.9.0.0/16', '--gateway', '10.9.0.9']
    const more = ['--ip-range', '10.9.1.0/24', '--aux-address', 'router=10.9.0.2']
    const mtu = ['--opt', 'com.docker.network.driver.mtu=1400']
    const words = [...options, ...addresses, ...more, ...mtu, 'red']
    const made = await docker(one, 'network', 'create', ...words)
    expect(made.err).toBe('')
    const control = controlOf(one)
    const network = control.networkObjects.find(({ spec }) => spec?.annotations?.name === 'red')
    expect(made.out).toBe(`${network?.id}\n`)
    expect(network?.spec).toMatchObject({
      annotations: { name: 'red', labels: { a: 'b' } },
      driverConfig: { name: 'overlay', options: { 'com.docker.network.driver.mtu': '1400' } },
      ipv6Enabled: true,
      internal: true,
      attachable: true,
      ingress: false,
      ipam: {
        driver: { name: 'default' },
        configs: [
          {
            subnet: '10.9.0.0/16',
            range: '10.9.1.0/24',
            gateway: '10.9.0.9',
            reserved: { router: '10.9.0.2' },
          },
        ],
      },
    })
    expect((await docker(one, 'network', 'rm', 'red')).out).toBe('red\n')
    expect(one.node.calls.at(-1)).toEqual(['removeNetwork', network?.id])
  })

  test('network create without a driver says which there is', async () => {
    const { code, err } = await docker(rig('manager'), 'network', 'create', 'red')
    expect(code).toBe(1)
    const reason = 'plugin "bridge" not found: Weft has the driver "overlay" (-d overlay)'
    expect(err).toBe(`Error response from daemon: ${reason}\n`)
  })

  test('network prune and rm of what is not there', async () => {
    const one = rig('manager')
    const used = await docker(one, 'network', 'prune', '-f', '--filter', 'label=a=b')
    expect(used.out).toBe('Deleted Networks:\nfull\n\n')
    const gone = await docker(one, 'network', 'rm', 'nope')
    expect(gone).toEqual({ code: 1, out: '', err: 'Error: No such network: nope\n' })
  })

  test('node ls, inspect, update, rm', async () => {
    const one = rig('manager')
    const { out } = await docker(one, 'node', 'ls')
    const rows = rowsOf(out)
    expect(rows[0]?.slice(0, 3)).toEqual(['ID', 'HOSTNAME', 'STATUS'])
    const [self] = RECORDED_NODES.filter(({ Spec }) => Spec.Role === 'manager')
    const [worker] = RECORDED_NODES.filter(({ Spec }) => Spec.Role === 'worker')
    const [ours, other] = [`${self?.ID} \\*`, `${worker?.ID}`]
    expect(out).toMatch(new RegExp(`${ours}\\s+vm\\s+Ready\\s+Active\\s+Leader\\s+20.10.24`))
    expect(out).toMatch(new RegExp(`${other}\\s+vm\\s+Ready\\s+Active\\s+20.10.24`))
    const pretty = await docker(one, 'node', 'inspect', '--pretty', 'self')
    expect(pretty.out).toContain(`ID:\t\t\t${self?.ID}`)
    expect(pretty.out).toMatch(/Raft Status:\s+Reachable/)
    const id = worker?.ID ?? ''
    await docker(one, 'node', 'update', '--availability', 'drain', '--label-add', 'rack=7', id)
    expect(one.node.calls.at(-1)).toMatchObject([
      'updateNode',
      id,
      BigInt(worker?.Version.Index ?? 0),
      { availability: 2, desiredRole: 0, membership: 1, annotations: { labels: { rack: '7' } } },
    ])
    expect((await docker(one, 'node', 'rm', '--force', id)).out).toBe(`${id}\n`)
    expect(one.node.calls.at(-1)).toEqual(['removeNode', id, { force: true }])
  })

  test('swarm init, with the token to go on with', async () => {
    const one = rig()
    const words = ['--advertise-addr', '10.99.0.1', '--default-addr-pool', '10.20.0.0/16']
    const more = ['--default-addr-pool-mask-length', '26', '--data-path-port', '4790']
    const { code, out, err } = await docker(one, 'swarm', 'init', ...words, ...more)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    const token = RECORDED_SWARM.JoinTokens.Worker
    expect(out).toContain(`(${one.node.shown.nodeId}) is now a manager.`)
    expect(out).toContain(`docker swarm join --token ${token} 10.99.0.1:2377`)
    expect(one.node.calls).toEqual([
      [
        'init',
        {
          listenAddress: '0.0.0.0:2377',
          advertiseAddress: '10.99.0.1',
          dataPathAddress: null,
          dataPathPort: 4790,
          defaultAddressPools: ['10.20.0.0/16'],
          subnetSize: 26,
          availability: 0,
        },
      ],
    ])
  })

  test('swarm join, join-token, update, leave', async () => {
    const worker = rig()
    const join = ['swarm', 'join', '--token', 'SWMTKN-1-a-b', '10.99.0.1:2377']
    expect((await docker(worker, ...join)).out).toBe('This node joined a swarm as a worker.\n')
    expect(worker.node.calls[0]).toMatchObject([
      'join',
      { remoteAddresses: ['10.99.0.1:2377'], token: 'SWMTKN-1-a-b' },
    ])
    expect((await docker(worker, 'swarm', 'leave')).out).toBe('Node left the swarm.\n')
    const manager = rig('manager')
    const { Worker } = RECORDED_SWARM.JoinTokens
    expect((await docker(manager, 'swarm', 'join-token', '-q', 'worker')).out).toBe(`${Worker}\n`)
    await docker(manager, 'swarm', 'join-token', '--rotate', '-q', 'manager')
    expect(manager.node.calls.at(-1)).toEqual(['rotateJoinToken', 'manager'])
    const update = await docker(manager, 'swarm', 'update', '--cert-expiry', '48h')
    expect(update.out).toBe('Swarm updated.\n')
    expect(manager.node.calls.at(-1)).toEqual([
      'updateCluster',
      BigInt(RECORDED_SWARM.Version.Index),
      { nodeCertificateValidityMs: 172_800_000 },
    ])
    const history = await docker(manager, 'swarm', 'update', '--task-history-limit', '9')
    expect(history.err).toContain('Weft does not have Orchestration.TaskHistoryRetentionLimit')
    const left = await docker(manager, 'swarm', 'leave')
    expect(left.err).toMatch(/^Error response from daemon: You are attempting to leave the swarm/)
  })

  test('info and version', async () => {
    const { out, err } = await docker(rig('manager'), 'info')
    expect(err).toBe('')
    expect(out).toMatch(/Swarm: active\n {2}NodeID: \w{25}\n {2}Is Manager: true\n {2}ClusterID: /)
    expect(out).toContain('Managers: 1\n  Nodes: 2')
    expect(out).toContain('Data Path Port: 4789')
    expect(out).not.toContain('WARNING')
    const version = await docker(rig(), 'version', '--format', '{{.Server.APIVersion}}')
    expect(version.out).toBe('1.41\n')
    expect((await docker(rig(), 'version')).out).toContain('Server: Weft')
  })

  test('a worker is told to ask a manager', async () => {
    const { err } = await docker(rig('worker'), 'node', 'ls')
    expect(err).toMatch(/^Error response from daemon: This node is not a swarm manager. Worker/)
  })

  test('what is not here says what is', async () => {
    const { code, err } = await docker(rig(), 'ps')
    expect(code).toBe(1)
    expect(err).toMatch(/^Error response from daemon: Weft has no containers: .*weft attach/)
  })

  test('events until now', async () => {
    const one = rig('manager')
    const [object] = controlOf(one).networkObjects
    if (object === undefined) throw new Error('no network')
    controlOf(one).tell({ kind: 'network', action: 'create', object })
    const until = String(Math.floor(one.clock.wall() / 1000))
    const format = '{{.Type}} {{.Action}} {{.Actor.ID}}'
    const words = ['--since', '0', '--until', until, '--format', format]
    expect((await docker(one, 'events', ...words)).out).toBe(`network create ${object.id}\n`)
  })
})
