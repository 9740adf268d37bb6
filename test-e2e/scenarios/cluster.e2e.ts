/** Three hosts, a daemon on each, and only commands that a user types, by either client. */
import { parseIp, type Ip } from '@weft/core'
import { eventually, runOn, tierReport, tryOn, type Client } from '@weft/lab'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { attachMany, detachMany } from './burst.ts'
import { Cluster, withAccount } from './cluster.ts'
import type { Endpoint } from './endpoints.ts'

const usable = new Map((await tierReport()).map(({ tier, usable: is }) => [tier, is]))
const CLIENTS: readonly { readonly client: Client; readonly lacking: string }[] = [
  { client: 'weft', lacking: usable.get('netns') === true ? '' : ' (no namespaces here)' },
  { client: 'docker', lacking: usable.get('docker') === true ? '' : ' (no docker client here)' },
]

const KEY_ROTATION_MS = 2_000
/** Down is who is not heard of for three of them; Docker's are longer. */
const HEARTBEAT = '3s'
const DOWN_WITHIN_MS = 30_000
const HEALED_WITHIN_MS = 20_000
/** Ten seconds of TCP, for a daemon to die and come back in. */
const TRANSFER_RATE = '400mbit'
const TRANSFER_BYTES = 500_000_000
const TRANSFER_WITHIN_MS = 90_000
const MANY = 200

describe.each(CLIENTS)('a cluster, by $client', ({ client, lacking }) => {
  let cluster: Cluster
  let one: Endpoint
  let two: Endpoint
  let three: Endpoint

  beforeAll(async () => {
    if (lacking === '') cluster = await Cluster.open(client)
  })
  afterAll(() => (lacking === '' ? cluster[Symbol.asyncDispose]() : undefined))

  const it = (name: string, body: () => Promise<void>): void => {
    test.skipIf(lacking !== '')(`${name}${lacking}`, () => withAccount(cluster, body))
  }

  const attach = (host: number, network: string, address?: Ip): Promise<Endpoint> =>
    cluster.endpoints.attach(cluster.host(host), network, address)

  const show = async (host: number, ...words: readonly string[]): Promise<unknown> =>
    JSON.parse(await cluster.host(host).weft.weft(...words, '--json'))

  const allReady = (): Promise<void> =>
    eventually(
      async () => {
        const nodes = [...(await cluster.nodes())].sort()
        expect(nodes).toEqual(['host-1', 'host-2', 'host-3'].map((name) => [name, 'Ready']))
      },
      { withinMs: DOWN_WITHIN_MS, what: 'three nodes that are ready' },
    )

  /** Datagrams between two endpoints while something happens; resolves to how many were lost. */
  async function lostDuring(from: Endpoint, to: Endpoint, body: () => Promise<void>) {
    const flood = await cluster.traffic.flood({ from, to, address: to.ip, perSecond: 500 })
    await body()
    const { lost, sent } = await flood.stop()
    expect(sent).toBeGreaterThan(100)
    return lost
  }

  it('is formed by three hosts', async () => {
    const { ip } = cluster.host(1).machine
    const init = ['swarm', 'init', '--advertise-addr', ip, '--dispatcher-heartbeat', HEARTBEAT]
    const said = await cluster.type(1, ...init)
    expect(said).toContain('is now a manager')
    for (const number of [2, 3]) await cluster.join(number)
    await allReady()
    const info = await cluster.type(2, 'info', '--format', '{{.Swarm.LocalNodeState}}')
    expect(info).toBe('active')
    await cluster.holds()
  })

  it('has networks that reach a host with their first endpoint', async () => {
    for (const name of ['blue', 'green']) {
      const id = await cluster.type(1, 'network', 'create', '-d', 'overlay', '--attachable', name)
      expect(id).toMatch(/^[0-9a-z]{25}$/)
    }
    const names = async (number: number): Promise<string[]> => {
      const lines = await cluster.type(number, 'network', 'ls', '--format', '{{.Name}}')
      return lines.split('\n').filter((name) => name === 'blue' || name === 'green')
    }
    expect((await names(1)).sort()).toEqual(['blue', 'green'])
    expect(await names(2)).toEqual([])
    one = await attach(1, 'blue')
    two = await attach(2, 'blue')
    three = await attach(3, 'blue')
    expect(await names(2)).toEqual(['blue'])
    await cluster.endpoints.allReach('blue')
    await cluster.holds()
  })

  it('keeps networks apart', async () => {
    const others = [await attach(2, 'green'), await attach(3, 'green')]
    await cluster.endpoints.allReach('green')
    await cluster.holds()
    for (const other of others) {
      expect(await other.pings(one.ip)).toBe(false)
      expect(await two.pings(other.ip)).toBe(false)
    }
    for (const other of others) await cluster.endpoints.detach(other)
    await cluster.holds()
  })

  it('shows who is on a network', async () => {
    const text = await cluster.type(1, 'network', 'inspect', '--verbose', 'blue')
    for (const { ip, name } of [one, two, three]) {
      expect(text).toContain(`"${name}"`)
      expect(text).toContain(ip)
    }
    const format = '{{.Driver}} {{.Scope}}'
    const facts = await cluster.type(1, 'network', 'inspect', '-f', format, 'blue')
    expect(facts).toBe('overlay swarm')
  })

  it('gives the address that was asked for, and lets it move', async () => {
    const address = parseIp(one.ip.replace(/\d+$/, '77'))
    const before = await attach(2, 'blue', address)
    expect(before.ip).toBe(address)
    await cluster.endpoints.allReach('blue')
    await cluster.endpoints.detach(before)
    const after = await attach(3, 'blue', address)
    expect(after.ip).toBe(address)
    await cluster.endpoints.allReach('blue')
    await cluster.holds()
    await cluster.endpoints.detach(after)
  })

  it('lets a node leave and come back', async () => {
    const said = await cluster.type(3, 'swarm', 'leave')
    expect(said).toContain('Node left the swarm.')
    await cluster.endpoints.forget(three)
    await eventually(async () => expect((await cluster.nodes()).get('host-3')).toBe('Down'), {
      withinMs: DOWN_WITHIN_MS,
      what: 'a node that left is down',
    })
    await cluster.holds()
    await cluster.type(1, 'node', 'rm', 'host-3')
    expect([...(await cluster.nodes()).keys()].sort()).toEqual(['host-1', 'host-2'])
    await cluster.join(3)
    await allReady()
    three = await attach(3, 'blue')
    await cluster.endpoints.allReach('blue')
    await cluster.holds()
  })

  it('goes on while its manager restarts', async () => {
    const { weft } = cluster.host(1)
    const lost = await lostDuring(two, three, async () => {
      expect(await weft.stop('TERM')).toBe(0)
      await weft.start()
      await allReady()
    })
    expect(lost).toBe(0)
    const late = await attach(2, 'blue')
    await cluster.endpoints.allReach('blue')
    await cluster.holds()
    await cluster.endpoints.detach(late)
  })

  it('forwards while a daemon is killed, and a transfer does not notice', async () => {
    const { machine, weft } = cluster.host(2)
    const shaper = ['tbf', 'rate', TRANSFER_RATE, 'burst', '256k', 'latency', '50ms']
    const device = ['-netns', two.name, 'qdisc', 'replace', 'dev', 'eth0', 'root']
    await runOn(machine, ['tc', ...device, ...shaper])
    const ends = { from: two, to: three, address: three.ip }
    const limits = { bytes: TRANSFER_BYTES, withinMs: TRANSFER_WITHIN_MS }
    let done = false
    const transfer = cluster.traffic.transfer({ ...ends, ...limits }).finally(() => (done = true))
    await weft.stop('KILL')
    await weft.start()
    expect(done).toBe(false)
    expect((await transfer).bytes).toBe(TRANSFER_BYTES)
    await runOn(machine, ['tc', '-netns', two.name, 'qdisc', 'delete', 'dev', 'eth0', 'root'])
    const after = await attach(2, 'blue')
    await cluster.endpoints.allReach('blue')
    await cluster.holds()
    await cluster.endpoints.detach(after)
  })

  it('starts without a manager, and forwards what it knew', async () => {
    const [manager, worker] = [cluster.host(1).weft, cluster.host(2).weft]
    const lost = await lostDuring(two, three, async () => {
      await manager.stop('KILL')
      await worker.stop('KILL')
      await worker.start()
      const status = (await show(2, 'status')) as { state: string; connected: boolean }
      expect(status.connected).toBe(false)
      await manager.start()
      await allReady()
    })
    expect(lost).toBe(0)
    await cluster.endpoints.allReach('blue')
    await cluster.holds()
  })

  it('replaces its keys under traffic without losing a packet', async () => {
    const { machine, weft } = cluster.host(1)
    const file = '/var/lib/weft-tunables.json'
    const input = JSON.stringify({ tunables: { keyRotationMs: KEY_ROTATION_MS } })
    await runOn(machine, ['sh', '-c', `cat >${file}`], { input })
    await weft.stop('TERM')
    await weft.start(['--config', file])
    const tags = async (): Promise<string[]> =>
      ((await show(3, 'keys')) as { subsystem: string; tag: string }[])
        .filter(({ subsystem }) => subsystem === 'gossip')
        .map(({ tag }) => tag)
    const before = await tags()
    expect(before).toHaveLength(3)
    const lost = await lostDuring(two, three, () =>
      eventually(
        async () => {
          const now = await tags()
          expect(now.filter((tag) => before.includes(tag))).toEqual([])
        },
        { withinMs: 10 * KEY_ROTATION_MS, what: 'three new keys' },
      ),
    )
    expect(lost).toBe(0)
    const late = await attach(3, 'blue')
    await cluster.endpoints.allReach('blue')
    await cluster.holds()
    await cluster.endpoints.detach(late)
    await weft.stop('TERM')
    await weft.start()
    await allReady()
  })

  it('heals after a partition, also of what changed meanwhile', async () => {
    const [first, second, third] = cluster.hosts.map(({ machine }) => machine.host)
    if (first === undefined || second === undefined || third === undefined) throw new Error('three')
    cluster.wires.cut(first, third)
    cluster.wires.cut(second, third)
    await eventually(async () => expect((await cluster.nodes()).get('host-3')).toBe('Down'), {
      withinMs: DOWN_WITHIN_MS,
      what: 'a node that is cut off is down',
    })
    expect(await two.pings(three.ip)).toBe(false)
    const meanwhile = await attach(2, 'blue')
    await one.reaches(meanwhile)
    cluster.wires.heal(first, third)
    cluster.wires.heal(second, third)
    await cluster.endpoints.allReach('blue', HEALED_WITHIN_MS)
    await allReady()
    await cluster.holds(HEALED_WITHIN_MS)
    await cluster.endpoints.detach(meanwhile)
    await cluster.holds()
  })

  it(`attaches ${MANY} at once, each at an address of its own`, async () => {
    const many = await attachMany(cluster, 'blue', MANY)
    expect(new Set(many.map(({ ip }) => ip)).size).toBe(MANY)
    await cluster.holds()
    for (const to of many.filter((_, i) => i % 20 === 0)) await one.reaches(to)
    await detachMany(cluster, many)
    await cluster.holds()
  })

  it('runs a command as a container would, and leaves nothing of it', async () => {
    const words = ['run', '--network', 'blue', '--name', 'once', '--']
    const { weft } = cluster.host(2)
    const ping = await weft.weft(...words, 'ping', '-c', '1', '-W', '5', three.ip)
    expect(ping).toContain('1 received')
    const failed = await weft.try('weft', [...words, 'sh', '-c', 'exit 7'])
    expect(failed.code).toBe(7)
    await cluster.holds()
  })

  it('is taken apart, and nothing is left', async () => {
    for (const endpoint of [...cluster.endpoints.all]) await cluster.endpoints.detach(endpoint)
    await cluster.holds()
    await cluster.type(1, 'network', 'rm', 'blue', 'green')
    for (const number of [3, 2]) await cluster.type(number, 'swarm', 'leave')
    const refused = await cluster.host(1).weft.try(client, ['swarm', 'leave'])
    expect(refused.code).not.toBe(0)
    expect(refused.stderr).toContain('--force')
    await cluster.type(1, 'swarm', 'leave', '--force')
    for (const { machine, weft } of cluster.hosts) {
      expect(await weft.stop('TERM')).toBe(0)
      const traces = await tryOn(machine, ['sh', '-c', 'ls /run/netns; ls /run/weft'])
      expect(traces.stdout).not.toMatch(/weft/)
    }
  })
})
