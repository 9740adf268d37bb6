/** The guard of an encrypted VNI on any kernel: nothing out or in, and no harm to other VNIs. */
import { parseIp, parseMac, silentLogger, vni } from '@weft/core'
import type { AcceptedState } from '@weft/dataplane'
import { NetworkKey } from '@weft/encryption'
import { Nftables, probeKernel } from '@weft/linux'
import { describe, expect, test } from 'vitest'
import { guardKey, guardOf, guardTable, readGuard } from '../src/guard.ts'
import { closeHost, openHost } from '../src/host.ts'
import { TunnelSecurity } from '../src/tunnel-security.ts'
import {
  atEnd,
  desired,
  failuresOf,
  hosts,
  local,
  network,
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

const { esp: kernelEsp } = probeKernel()

describe.skipIf(kernelEsp === null)('on a kernel without ESP', () => {
  test('guards come first, the network does not come, and nothing stays', () => {
    const [host] = hosts(1)
    if (host === undefined) return
    const parts = openHost(host.options, silentLogger)
    const security = new TunnelSecurity(parts)
    atEnd(() => {
      security.close('teardown')
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
    security.close('teardown')
    expect(nft.tables()).toEqual([])
  })
})
