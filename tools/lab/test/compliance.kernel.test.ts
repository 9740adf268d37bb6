/** The kernel dataplane keeps every promise of the contract, in hosts made of namespaces. */
import {
  complianceCases,
  describeCompliance,
  type OpenLab,
  type Waivers,
} from '@weft/dataplane/compliance'
import { afterAll, describe, test } from 'vitest'
import { netnsLabs } from '../src/netns-lab.ts'

const labs = netnsLabs()
afterAll(() => labs[Symbol.asyncDispose]())

/** Reasons a reader must accept. */
const waivers: Waivers = {
  'forward/vlan-tag':
    'the lab is deaf, not the dataplane: AF_PACKET takes the tag off what a container hears, and ' +
    '@weft/linux does not put it back from PACKET_AUXDATA; tcpdump, which does, sees it arrive',
}

describeCompliance(
  { backend: 'kernel', cases: complianceCases, openLab: labs.open, waivers },
  { describe, test },
)

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
