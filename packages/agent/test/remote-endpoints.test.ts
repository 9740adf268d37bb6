/** Rows of a node that lies: what they may cost the others. */
import { parseCidr, parseInterfaceAddress, parseIp, parseMac, vni } from '@weft/core'
import { SubnetFinder } from '@weft/dataplane'
import { describe, expect, test } from 'vitest'
import type { OverlayShape } from '../src/desired/overlay-shape.ts'
import type { RemoteRow } from '../src/desired/remote-candidate.ts'
import { REMOTE_ADDRESSES_MAX, RemoteJudge } from '../src/desired/remote-endpoints.ts'

const CIDR = parseCidr('10.0.0.0/8')
const SUBNETS = [{ vni: vni(4097), prefixes: [{ cidr: CIDR, gateway: parseIp('10.0.0.1') }] }]
const SHAPE: OverlayShape = {
  ...{ networkId: 'n', name: 'n', encapsulation: 'vxlan', underlayMtu: 1500, subnets: SUBNETS },
  finder: new SubnetFinder(SUBNETS),
}
const GROUND = { shape: SHAPE, ownVtep: parseIp('192.0.2.1') }

/** Rows of one MAC behind one VTEP, each with an address of its own. */
function rowsOfOneMac(count: number): readonly RemoteRow[] {
  const endpointMac = parseMac('02:42:0a:01:00:01')
  const vtep = parseIp('192.0.2.9')
  return Array.from({ length: count }, (_, i) => {
    const endpointIp = parseInterfaceAddress(`10.1.${i >> 8}.${i & 255}/8`)
    const record = { endpointIp, endpointMac, vtep }
    return { networkId: 'n', key: `k${i}`, owner: 'o', lTime: i + 1, record }
  })
}

describe('RemoteJudge', () => {
  test('gives one MAC REMOTE_ADDRESSES_MAX addresses: the newest', () => {
    const judge = new RemoteJudge()
    const fits = judge.judge(rowsOfOneMac(REMOTE_ADDRESSES_MAX), GROUND, new Map())
    expect(fits.refused).toEqual({})
    expect([...fits.endpoints.values()][0]?.addresses).toHaveLength(REMOTE_ADDRESSES_MAX)
    const over = judge.judge(rowsOfOneMac(REMOTE_ADDRESSES_MAX + 1), GROUND, new Map())
    expect(over.refused).toEqual({ crowded: 1 })
    expect([...over.endpoints.values()][0]?.addresses).not.toContain('10.1.0.0')
  })

  test('takes no square of the rows that one node writes', () => {
    const { endpoints, refused } = new RemoteJudge().judge(rowsOfOneMac(60_000), GROUND, new Map())
    expect(endpoints.size).toBe(1)
    expect(refused).toEqual({ crowded: 60_000 - REMOTE_ADDRESSES_MAX })
  })
})
