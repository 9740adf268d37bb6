/** Tunnels of the real dataplanes keep their promises over an IPv6 underlay too. */
import { complianceCases, describeCompliance, type OpenLab } from '@weft/dataplane/compliance'
import { afterAll, describe, expect, test } from 'vitest'
import { netnsLabs } from '../src/netns-lab.ts'
import { waivers } from './waivers.ts'

const labs = netnsLabs()
const switchLabs = netnsLabs(['userspace'])
afterAll(() => labs[Symbol.asyncDispose]())
afterAll(() => switchLabs[Symbol.asyncDispose]())

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

const overIpv6 =
  (open: OpenLab): OpenLab =>
  ({ underlayMtuBytes }) =>
    open({ underlay: 6, underlayMtuBytes: underlayMtuBytes + IPV6_EXTRA_BYTES })

const suite = { cases: anyUnderlay, waivers }

describeCompliance(
  { ...suite, backend: 'kernel over IPv6', openLab: overIpv6(labs.open) },
  { describe, test },
)

describeCompliance(
  { ...suite, backend: 'userspace over IPv6', openLab: overIpv6(switchLabs.open) },
  { describe, test },
)

test('every tunnel family has cases that run over either underlay', () => {
  const families = new Set(anyUnderlay.map(({ name }) => name.split('/')[0]))
  expect(families).toEqual(new Set(TUNNEL_FAMILIES))
})
