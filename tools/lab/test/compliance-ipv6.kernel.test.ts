/** The kernel dataplane's tunnels keep their promises over an IPv6 underlay too. */
import { complianceCases, describeCompliance, type OpenLab } from '@weft/dataplane/compliance'
import { afterAll, describe, expect, test } from 'vitest'
import { netnsLabs } from '../src/netns-lab.ts'
import { waivers } from './waivers.ts'

const labs = netnsLabs()
afterAll(() => labs[Symbol.asyncDispose]())

/** Families whose promises are kept by the tunnel itself. */
const TUNNEL_FAMILIES = ['forward', 'neighbour', 'adopt', 'repair'] as const

/** Cases that leave the underlay to the lab: what they expect holds over either family. */
const anyUnderlay = complianceCases.filter(
  ({ name, world }) =>
    TUNNEL_FAMILIES.some((family) => name.startsWith(`${family}/`)) &&
    Object.keys(world).length === 0,
)

/** An IPv6 header is 20 bytes longer: on such an underlay the same overlay MTU comes out. */
const IPV6_EXTRA_BYTES = 20

const openOverIpv6: OpenLab = ({ underlayMtuBytes }) =>
  labs.open({ underlay: 6, underlayMtuBytes: underlayMtuBytes + IPV6_EXTRA_BYTES })

describeCompliance(
  { backend: 'kernel over IPv6', cases: anyUnderlay, openLab: openOverIpv6, waivers },
  { describe, test },
)

test('every tunnel family has cases that run over either underlay', () => {
  const families = new Set(anyUnderlay.map(({ name }) => name.split('/')[0]))
  expect(families).toEqual(new Set(TUNNEL_FAMILIES))
})
