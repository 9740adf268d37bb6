/** What a kernel's abilities amount to. */
import { overlayMtu } from '@weft/dataplane'
import type { KernelFacts } from '@weft/linux'
import { expect, test } from 'vitest'
import { IP_PACKET_BYTES_MAX, probeResult } from '../src/kernel-backend.ts'

const ABLE: KernelFacts = {
  release: '6.18.0',
  'network-namespace': null,
  bridge: null,
  vxlan: null,
  'vxlan-over-ipv6': null,
  veth: null,
  dummy: null,
  nftables: null,
  esp: null,
  'user-namespace': null,
}
const UNKNOWN = { errno: 'EOPNOTSUPP', diagnostic: 'Unknown device type' }

test('a kernel that can do all is used for all', () => {
  const probed = probeResult({ ...ABLE, esp: UNKNOWN })
  expect(probed).toMatchObject({ usable: true, capabilities: { persistent: true } })
  if (!probed.usable) return
  const { capabilities } = probed
  expect([...capabilities.underlayFamilies]).toEqual([4, 6])
  expect([...capabilities.encapsulations]).toEqual(['vxlan'])
  expect(capabilities.mtuMaxBytes).toBe(overlayMtu(IP_PACKET_BYTES_MAX, 6))
})

test.each(['network-namespace', 'bridge', 'vxlan', 'veth'] as const)(
  'a kernel without %s is of no use, and the reason is in its own words',
  (ability) => {
    expect(probeResult({ ...ABLE, [ability]: UNKNOWN })).toEqual({
      usable: false,
      reason: `${ability}: EOPNOTSUPP: Unknown device type`,
    })
  },
)

test('a kernel without IPv6 is used for IPv4', () => {
  const probed = probeResult({ ...ABLE, 'vxlan-over-ipv6': UNKNOWN })
  expect(probed.usable && [...probed.capabilities.underlayFamilies]).toEqual([4])
  expect(probed.usable && [...probed.capabilities.overlayFamilies]).toEqual([4])
})

test('what this package does not need may be missing', () => {
  const facts = { ...ABLE, dummy: UNKNOWN, nftables: UNKNOWN, esp: UNKNOWN }
  expect(probeResult(facts).usable).toBe(true)
})

test('there is encryption where the kernel has ESP, and rules that keep the clear out', () => {
  const encapsulations = (facts: KernelFacts): string[] => {
    const probed = probeResult(facts)
    return probed.usable ? [...probed.capabilities.encapsulations] : []
  }
  expect(encapsulations(ABLE)).toEqual(['vxlan', 'vxlan-esp'])
  expect(encapsulations({ ...ABLE, esp: UNKNOWN })).toEqual(['vxlan'])
  expect(encapsulations({ ...ABLE, nftables: UNKNOWN })).toEqual(['vxlan'])
})
