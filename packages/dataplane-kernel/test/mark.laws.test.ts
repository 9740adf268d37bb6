/** Marks: whatever was written is read back, by its own instance and by no other. */
import { parseCidr, vni, VNI_MAX } from '@weft/core'
import { INSTANCE_LENGTH_MAX, NAME_CHARS_MAX } from '@weft/dataplane'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ALIAS_BYTES_MAX, formatMark, networkMark, parseMark, type Mark } from '../src/mark.ts'

const nameOf = (maxLength: number): fc.Arbitrary<string> =>
  fc
    .stringMatching(/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/, { size: 'medium' })
    .map((text) => text.slice(0, maxLength))
const name = nameOf(NAME_CHARS_MAX)
const instance = nameOf(INSTANCE_LENGTH_MAX)
const anyVni = fc.integer({ min: 0, max: VNI_MAX }).map(vni)
const cidrs = fc.subarray(['10.0.1.0/24', 'fd00:1::/64', '0.0.0.0/0'].map(parseCidr))

const mark: fc.Arbitrary<Mark> = fc.oneof(
  fc.record({
    kind: fc.constant('network' as const),
    network: name,
    encapsulation: fc.constant('vxlan'),
  }),
  fc.record({ kind: fc.constant('bridge' as const), network: name, vni: anyVni, cidrs }),
  fc.record({ kind: fc.constant('tunnel' as const), network: name, vni: anyVni }),
  fc.record({ kind: fc.constant('local' as const), network: name, endpoint: name }),
)

test('a mark reads back as it was written', () => {
  fc.assert(
    fc.property(instance, mark, (owner, given) => {
      expect(parseMark(owner, formatMark(owner, given))).toEqual(given)
    }),
  )
})

test('a mark says nothing to another instance', () => {
  fc.assert(
    fc.property(instance, instance, mark, (owner, other, given) => {
      fc.pre(owner !== other)
      expect(parseMark(other, formatMark(owner, given))).toBeNull()
    }),
  )
})

test('any alias is read without a throw', () => {
  const tail = fc.stringMatching(/^[a-z0-9/ ,]*$/)
  fc.assert(
    fc.property(fc.oneof(fc.string(), tail.map((text) => `weft/a/${text}`)), (alias) => {
      parseMark('a', alias)
      networkMark('a', alias)
    }),
  )
})

test('the longest marks fit an ifalias', () => {
  const [owner, id] = ['i'.repeat(INSTANCE_LENGTH_MAX), 'n'.repeat(NAME_CHARS_MAX)]
  const widest = [
    parseCidr('255.255.255.252/30'),
    parseCidr('ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffc/126'),
  ]
  const marks: Mark[] = [
    { kind: 'bridge', network: id, vni: vni(VNI_MAX), cidrs: widest },
    { kind: 'tunnel', network: id, vni: vni(VNI_MAX) },
    { kind: 'local', network: id, endpoint: id },
    { kind: 'network', network: id, encapsulation: 'vxlan-esp' },
  ]
  for (const each of marks) {
    expect(formatMark(owner, each).length).toBeLessThanOrEqual(ALIAS_BYTES_MAX)
  }
})

test.each([
  'weft/a/networks/',
  'weft/a/networks/blue/local/',
  'weft/a/networks/blue/subnets/x',
  'weft/a/networks/blue/subnets/4096/other',
  'weft/a/networks/blue/local/c1/eth0',
  'weft/a/things/blue',
  'weft/a',
  'something else',
])('%s is no mark', (alias) => {
  expect(parseMark('a', alias)).toBeNull()
})

test('a namespace is a network’s only under an encapsulation that exists', () => {
  expect(networkMark('a', 'weft/a/networks/blue vxlan')?.network).toBe('blue')
  expect(networkMark('a', 'weft/a/networks/blue morse')).toBeNull()
  expect(networkMark('a', 'weft/a/networks/blue/local/c1')).toBeNull()
  expect(networkMark('a', null)).toBeNull()
})
