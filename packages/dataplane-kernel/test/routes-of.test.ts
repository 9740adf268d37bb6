/** Routes of an endpoint to the other subnets of its network. */
import { parseCidr, parseIp, vni } from '@weft/core'
import type { SubnetSpec } from '@weft/dataplane'
import { expect, test } from 'vitest'
import { routesOf } from '../src/routes-of.ts'

type PrefixText = readonly [cidr: string, gateway: string | null]

function subnet(id: number, ...prefixes: readonly PrefixText[]): SubnetSpec {
  return {
    vni: vni(id),
    prefixes: prefixes.map(([cidr, gateway]) => ({
      cidr: parseCidr(cidr),
      gateway: gateway === null ? null : parseIp(gateway),
    })),
  }
}

function text(subnets: readonly SubnetSpec[], id: number, ...addresses: string[]): string[] {
  const endpoint = { vni: vni(id), addresses: addresses.map((each) => parseIp(each)) }
  return routesOf(subnets, endpoint).map(({ destination, via }) => `${destination} via ${via}`)
}

const A = subnet(1, ['10.0.1.0/24', '10.0.1.1'], ['fd00:1::/64', 'fd00:1::1'])
const B = subnet(2, ['10.0.2.0/24', '10.0.2.1'], ['fd00:2::/64', null])
const C = subnet(3, ['10.0.3.0/24', null])

test('every other subnet is behind the own gateway of its family', () => {
  expect(text([A, B, C], 1, '10.0.1.2', 'fd00:1::2')).toEqual([
    '10.0.2.0/24 via 10.0.1.1',
    'fd00:2::/64 via fd00:1::1',
    '10.0.3.0/24 via 10.0.1.1',
  ])
})

test('an endpoint without an address of a family has no routes of it', () => {
  expect(text([A, B], 1, '10.0.1.2')).toEqual(['10.0.2.0/24 via 10.0.1.1'])
})

test('without a gateway there is no way out', () => {
  expect(text([A, B, C], 3, '10.0.3.2')).toEqual([])
  expect(text([A, B], 2, '10.0.2.2', 'fd00:2::2')).toEqual(['10.0.1.0/24 via 10.0.2.1'])
})

test('a network of one subnet needs none, nor does a stranger to it', () => {
  expect(text([A], 1, '10.0.1.2')).toEqual([])
  expect(text([A, B], 9, '10.0.9.2')).toEqual([])
})
