/** The guard of an encrypted VNI on any kernel: nothing out or in, and no harm to other VNIs. */
import { parseIp, parseMac, silentLogger, vni } from '@weft/core'
import { VirtualClock } from '@weft/core/testing'
import type { AcceptedState } from '@weft/dataplane'
import { NetworkKey } from '@weft/encryption'
import { Kernel, Nftables, probeKernel } from '@weft/linux'
import { nodeRuntime } from '@weft/runtime-node'
import { describe, expect, test } from 'vitest'
import { guardKey, guardOf, guardTable, readGuard } from '../src/guard.ts'
import { closeHost, openHost } from '../src/host.ts'
import { kernelBackend } from '../src/index.ts'
import { formatMark } from '../src/mark.ts'
import { TunnelSecurity } from '../src/tunnel-security.ts'
import {
  atEnd,
  desired,
  failuresOf,
  hosts,
  local,
  network,
  nextDrift,
  reaches,
  remote,
  scratch,
  subnet,
  type TestHost,
} from './world.ts'

const GUARDED = vni(4096)
const OPEN = vni(4097)

function nftOf({ path }: TestHost): Nftables {
  const nft = Nftables.open(path)
  atEnd(() => nft.close())
  return nft
}

/** Two hosts with a container on each of two networks, all in the clear. */
async function twoNetworks(): Promise<{ pair: TestHost[]; paths: [string, string][] }> {
  const pair = hosts(2)
  const paths: [string, string][] = [
    [scratch(), scratch()],
    [scratch(), scratch()],
  ]
  for (const [i, host] of pair.entries()) {
    const dataplane = await host.open()
    const [node, here, there] = [`n${2 - i}`, i + 2, 3 - i]
    const on = (id: number, path: string): ReturnType<typeof network> =>
      network([subnet(4095 + id, `10.0.${id}.0/24`)], {
        local: { a: local(path, `10.0.${id}.${here}`) },
        remote: { b: remote(node, `10.0.${id}.${there}`) },
      })
    const [first, second] = paths[i] ?? ['', '']
    const report = await dataplane.apply(desired(host, { n1: on(1, first), n2: on(2, second) }))
    expect(failuresOf(report)).toEqual([])
  }
  return { pair, paths }
}

describe('a guard', () => {
  test.each(['out', 'in'] as const)('lets nothing %s in the clear, of its VNI', async (way) => {
    const { pair, paths } = await twoNetworks()
    const [[from1, from2], [to1, to2]] = paths as [[string, string], [string, string]]
    expect(await reaches(from1, to1, '10.0.1.3')).toBe(true)
    const [near, far] = pair.map(nftOf)
    const nft = way === 'out' ? near : far
    nft?.replaceTable(guardTable('guard', [guardKey(GUARDED, 4789)]))
    expect(await reaches(from1, to1, '10.0.1.3')).toBe(false)
    expect(await reaches(from2, to2, '10.0.2.3')).toBe(true)
    const kept = nft === undefined ? null : readGuard(nft, 'guard').kept
    expect(kept).toEqual(way === 'out' ? { in: 0, out: 1 } : { in: 1, out: 0 })
  })

  test('is read back whole, or not at all', () => {
    const [host] = hosts(1)
    if (host === undefined) return
    const nft = nftOf(host)
    expect(readGuard(nft, 'guard').keys).toEqual(new Set())
    const keys = [guardKey(GUARDED, 4789), guardKey(OPEN, 4790)]
    const table = guardTable('guard', keys)
    nft.replaceTable(table)
    expect([...readGuard(nft, 'guard').keys]).toEqual(keys)
    expect(keys.map(guardOf)).toEqual([
      { vni: GUARDED, port: 4789 },
      { vni: OPEN, port: 4790 },
    ])
    const chains = table.chains.filter(({ name }) => name !== 'out')
    nft.replaceTable({ ...table, chains })
    expect(readGuard(nft, 'guard').keys).toEqual(new Set())
  })
})

describe('rules that somebody takes away', () => {
  /** A dataplane that found an encrypted network, and whose clock stands still. */
  async function adopted(): Promise<{ nft: Nftables; host: TestHost; drift: Promise<unknown> }> {
    const [host] = hosts(1) as [TestHost]
    const first = await host.open()
    const blue = network([subnet(GUARDED, '10.0.1.0/24')])
    expect(failuresOf(await first.apply(desired(host, { blue })))).toEqual([])
    await first.close('detach')
    const mark = { kind: 'network', network: 'blue', encapsulation: 'vxlan-esp' } as const
    using inside = Kernel.open(host.network('blue'))
    inside.links.change('lo', { alias: formatMark(host.name, mark) })
    const runtime = { ...nodeRuntime(), log: silentLogger, clock: new VirtualClock() }
    const second = await kernelBackend.open(runtime, host.options)
    atEnd(() => second.close('teardown'))
    return { host, nft: nftOf(host), drift: nextDrift(second) }
  }

  const KEY = `${GUARDED}:4789`

  test.each([
    ['the table', (nft: Nftables, name: string) => nft.deleteTable(guardTable(name, []))],
    ['its rules', (nft: Nftables, name: string) => nft.replaceTable(guardTable(name, []))],
  ])('%s: back as soon as the kernel tells, without the clock', async (_, take) => {
    const { drift, host, nft } = await adopted()
    const guards = (): ReadonlySet<string> => readGuard(nft, host.name).keys
    expect([...guards()]).toEqual([KEY])
    take(nft, host.name)
    expect(await drift).toEqual([`guards/${GUARDED}`])
    expect([...guards()]).toEqual([KEY])
  })

  test('what strangers do to tables of their own is no drift', async () => {
    const { drift, host, nft } = await adopted()
    const theirs = guardTable('theirs', [guardKey(OPEN, 4789)])
    nft.replaceTable(theirs)
    nft.deleteTable(theirs)
    nft.deleteTable(guardTable(host.name, []))
    expect(await drift).toEqual([`guards/${GUARDED}`])
  })
})

const { esp: kernelEsp } = probeKernel()

describe.skipIf(kernelEsp === null)('on a kernel without ESP', () => {
  test('guards come first, the network does not come, and nothing stays', async () => {
    const [host] = hosts(1)
    if (host === undefined) return
    const parts = openHost(host.options, silentLogger)
    const security = new TunnelSecurity(parts, () => undefined)
    atEnd(async () => {
      await security.close('teardown')
      closeHost(parts)
    })
    const state: AcceptedState = {
      ...desired(host, {}),
      networks: new Map([
        [
          'blue',
          {
            ...network([subnet(GUARDED, '10.0.1.0/24')], { encapsulation: 'vxlan-esp' }),
            mtu: 1424,
            remote: new Map([
              [
                'b',
                {
                  mac: parseMac('02:42:0a:00:01:03'),
                  addresses: [parseIp('10.0.1.3')],
                  node: 'n2',
                },
              ],
            ]),
          },
        ],
      ]),
      keys: [new NetworkKey({ lamportTime: 1n, bytes: new Uint8Array(16) })],
    }
    const secured = security.secure(state, false)
    const codes = secured.failures.map(({ error, item }) => `${item} ${error.code}`)
    expect(codes.length).toBeGreaterThan(0)
    const nft = nftOf(host)
    expect([...readGuard(nft, host.name).keys]).toEqual(['4096:4789'])
    await security.close('teardown')
    expect(nft.tables()).toEqual([])
  })
})
