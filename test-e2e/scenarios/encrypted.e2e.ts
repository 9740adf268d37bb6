/** An encrypted network: two hosts that can, one whose kernel cannot, and nothing in the clear. */
import { ipBytes } from '@weft/core'
import { eventually, runOn, tierReport, tryOn } from '@weft/lab'
import { probeKernel, type CapturedFrame } from '@weft/linux'
import { dissect, layerOf } from '@weft/wire'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Cluster, withAccount } from './cluster.ts'
import type { Endpoint } from './endpoints.ts'

const usable = new Map((await tierReport()).map(({ tier, usable: is }) => [tier, is]))
const lacking = usable.get('netns') === true ? '' : ' (no namespaces here)'

const KEY_ROTATION_MS = 2_000
const REACHED_WITHIN_MS = 20_000
const TRANSFER_BYTES = 10_000_000
const PER_SECOND = 500
const TUNABLES = '/var/lib/weft-tunables.json'
const VNI = '{{index .Options "com.docker.network.driver.overlay.vxlanid_list"}}'

describe.skipIf(lacking !== '')(`an encrypted network${lacking}`, () => {
  let cluster: Cluster
  let one: Endpoint
  let two: Endpoint
  let vni = 0

  beforeAll(async () => {
    cluster = await Cluster.open('weft', { 1: 'userspace', 2: 'userspace' })
    await cluster.type(1, 'swarm', 'init', '--advertise-addr', cluster.host(1).machine.ip)
    for (const number of [2, 3]) await cluster.join(number)
    for (const { machine } of cluster.hosts) cluster.wires.watch(machine.host)
  })
  afterAll(() => cluster[Symbol.asyncDispose]())

  const it = (name: string, body: () => Promise<void>): void => {
    test(name, () => withAccount(cluster, body))
  }

  /** Tags of the keys that seal tunnels, as `weft keys` has them. */
  const tags = async (number: number): Promise<string[]> => {
    const text = await cluster.host(number).weft.weft('keys', '--json')
    const all = JSON.parse(text) as { readonly subsystem: string; readonly tag: string }[]
    return all.filter(({ subsystem }) => subsystem === 'ipsec').map(({ tag }) => tag)
  }

  const transfer = async (from: Endpoint, to: Endpoint): Promise<void> => {
    const path = { from, to, address: to.ip }
    const { bytes } = await cluster.traffic.transfer({ ...path, bytes: TRANSFER_BYTES })
    expect(bytes).toBe(TRANSFER_BYTES)
  }

  /** What crossed between the two hosts since the last look was sealed, and not little of it. */
  async function isSealed(atLeast: number): Promise<void> {
    const [a, b] = [cluster.host(1).machine.host, cluster.host(2).machine.host]
    const frames = await cluster.wires.captured(a, b)
    expect(cluster.wires.lost()).toBe(0)
    const secrets = [addressesOf(one, two), addressesOf(two, one)]
    const clear = frames.filter((frame) => isClear(frame, { secrets, vni }))
    expect(clear.map(({ bytes }) => Buffer.from(bytes).toString('hex'))).toEqual([])
    const sealed = frames.filter(({ bytes }) => layerOf(dissect(bytes), 'esp') !== undefined)
    expect(sealed.length).toBeGreaterThan(atLeast)
  }

  it('is on two hosts, and sealed between them from the first packet on', async () => {
    const create = ['network', 'create', '-d', 'overlay', '--opt', 'encrypted', '--attachable']
    await cluster.type(1, ...create, 'secret')
    vni = Number(await cluster.type(1, 'network', 'inspect', '-f', VNI, 'secret'))
    one = await cluster.endpoints.attach(cluster.host(1), 'secret')
    two = await cluster.endpoints.attach(cluster.host(2), 'secret')
    await cluster.endpoints.allReach('secret', REACHED_WITHIN_MS)
    await transfer(one, two)
    await isSealed(TRANSFER_BYTES / 1500)
  })

  it('shows ages and tags of its keys on every host, and no key', async () => {
    const shown = await tags(1)
    expect(shown).toHaveLength(3)
    expect(await tags(2)).toEqual(shown)
    const table = await cluster.type(2, 'keys')
    for (const kind of ['gossip', 'ipsec']) {
      const rows = table.split('\n').filter((line) => line.startsWith(`${kind} `))
      expect(rows).toHaveLength(3)
      expect(rows[1]).toMatch(/^\w+ +\d+ +\* +.*(second|minute)/)
    }
    expect(table).not.toMatch(/[0-9a-f]{16}/i)
  })

  const refusal = 'is refused, in words, by a host whose kernel cannot encrypt'
  test.skipIf(lacking !== '' || probeKernel().esp === null)(refusal, () =>
    withAccount(cluster, async () => {
      const { machine, weft } = cluster.host(3)
      await runOn(machine, ['ip', 'netns', 'add', 'spare'])
      const words = ['--network', 'secret', '--name', 'x']
      const text =
        'Error response from daemon: network secret is encrypted, ' +
        'which the dataplane of this node cannot do'
      const attached = await weft.try('weft', ['attach', ...words, '--netns', '/run/netns/spare'])
      expect(attached.stderr).toContain(text)
      expect(attached.code).toBe(1)
      const run = await weft.try('weft', ['run', ...words, '--', 'true'])
      expect(run.stderr).toContain(text)
      expect(run.code).toBe(125)
      expect(JSON.parse(await weft.weft('attachments', '--json'))).toEqual([])
      const { stdout } = await tryOn(machine, ['sh', '-c', 'ip -n spare -o link; ip -o link'])
      expect(stdout).not.toMatch(/veth|vxlan|\beth1/)
      await one.reaches(two)
    }),
  )

  it('has its keys replaced under traffic without losing a packet', async () => {
    const { machine, weft } = cluster.host(1)
    const input = JSON.stringify({ tunables: { keyRotationMs: KEY_ROTATION_MS } })
    await runOn(machine, ['sh', '-c', `cat >${TUNABLES}`], { input })
    await weft.stop('TERM')
    await weft.start(['--config', TUNABLES])
    await one.reaches(two, REACHED_WITHIN_MS)
    await isSealed(1)
    const before = await tags(2)
    const path = { from: one, to: two, address: two.ip }
    const flood = await cluster.traffic.flood({ ...path, perSecond: PER_SECOND })
    await eventually(
      async () => {
        const now = await tags(2)
        expect(now.filter((tag) => before.includes(tag))).toEqual([])
      },
      { withinMs: 10 * KEY_ROTATION_MS, what: 'three new keys' },
    )
    const { lost, sent } = await flood.stop()
    expect({ lost }).toEqual({ lost: 0 })
    await isSealed(2 * sent - 1)
  })

  it('comes back with a daemon that was killed, sealed all along', async () => {
    const { weft } = cluster.host(2)
    const path = { from: one, to: two, address: two.ip }
    const flood = await cluster.traffic.flood({ ...path, perSecond: PER_SECOND })
    await weft.stop('KILL')
    await weft.start()
    await two.reaches(one, REACHED_WITHIN_MS)
    await flood.stop()
    await transfer(two, one)
    await isSealed(TRANSFER_BYTES / 1500)
  })

  it('comes back without a manager, by the keys that were written down', async () => {
    const [manager, worker] = [cluster.host(1).weft, cluster.host(2).weft]
    await manager.stop('TERM')
    await manager.start() // keys stay as they are from now on
    const before = await tags(1)
    await eventually(async () => expect(await tags(2)).toEqual(before), {
      withinMs: REACHED_WITHIN_MS,
      what: 'the last keys everywhere',
    })
    await manager.stop('KILL')
    await worker.stop('KILL')
    await worker.start()
    expect(await tags(2)).toEqual(before)
    await manager.start()
    await two.reaches(one, REACHED_WITHIN_MS)
    await isSealed(1)
  })
})

/** Two inner addresses as they stand side by side in an IPv4 header. */
function addressesOf(from: Endpoint, to: Endpoint): Buffer {
  return Buffer.concat([ipBytes(from.ip), ipBytes(to.ip)])
}

/** To be read by whoever looks on: VXLAN of the network, or what is in it. */
function isClear(
  { bytes }: CapturedFrame,
  { secrets, vni }: { readonly secrets: readonly Buffer[]; readonly vni: number },
): boolean {
  if (secrets.some((secret) => Buffer.from(bytes).includes(secret))) return true
  return layerOf(dissect(bytes), 'vxlan')?.header.vni === vni
}
