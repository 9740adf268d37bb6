/** What a manager's Network object means for a dataplane, and which ones are refused. */
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { NetworkSchema, type Network } from '@weft/swarm'
import { describe, expect, test } from 'vitest'
import {
  MTU_OPTION_BYTES_MAX,
  overlayShape,
  SUBNETS_MAX,
} from '../src/desired/overlay-shape.ts'

const LIST = 'com.docker.network.driver.overlay.vxlanid_list'
const MTU = 'com.docker.network.driver.mtu'

function network(
  options: Record<string, string>,
  configs: readonly { readonly subnet: string; readonly gateway?: string }[],
  more: Exclude<MessageInitShape<typeof NetworkSchema>, { $typeName: string }> = {},
): Network {
  return create(NetworkSchema, {
    id: 'net1',
    spec: { annotations: { name: 'blue' } },
    driverState: { name: 'overlay', options },
    ipam: { configs: configs.map((config) => ({ ...config })) },
    ...more,
  })
}

const ONE = [{ subnet: '10.0.1.0/24', gateway: '10.0.1.1' }]

describe('a network', () => {
  test('its i-th VNI belongs to its i-th prefix of each family', () => {
    const configs = [
      { subnet: '10.0.1.0/24', gateway: '10.0.1.1' },
      { subnet: 'fd00:1::/64', gateway: 'fd00:1::1' },
      { subnet: '10.0.2.0/24' },
      { subnet: 'fd00:2::/64' },
    ]
    const { subnets } = overlayShape(network({ [LIST]: '4097,4098' }, configs))
    expect(subnets).toEqual([
      {
        vni: 4097,
        prefixes: [
          { cidr: '10.0.1.0/24', gateway: '10.0.1.1' },
          { cidr: 'fd00:1::/64', gateway: 'fd00:1::1' },
        ],
      },
      {
        vni: 4098,
        prefixes: [
          { cidr: '10.0.2.0/24', gateway: null },
          { cidr: 'fd00:2::/64', gateway: null },
        ],
      },
    ])
  })

  test.each([
    [{}, 1500],
    [{ [MTU]: '9000' }, 9000],
    [{ [MTU]: '0' }, 1500],
    [{ encrypted: '' }, 1500],
    [{ encrypted: 'false' }, 1500],
    [{ encrypted: '', [MTU]: '1501' }, 1501],
    [{ [MTU]: String(MTU_OPTION_BYTES_MAX) }, MTU_OPTION_BYTES_MAX],
  ] as const)('with %o is for an underlay of %i bytes', (options, mtu) => {
    const shape = overlayShape(network({ [LIST]: '4097', ...options }, ONE))
    expect(shape.underlayMtu).toBe(mtu)
    expect(shape.encapsulation).toBe('encrypted' in options ? 'vxlan-esp' : 'vxlan')
  })

  test('options of its specification count too', () => {
    const overlay = { name: 'overlay', options: { encrypted: '' } }
    const spec = { annotations: { name: 'blue' }, driverConfig: overlay }
    const shape = overlayShape(network({ [LIST]: '4097' }, ONE, { spec }))
    expect(shape.encapsulation).toBe('vxlan-esp')
  })

  const subnets = (count: number): { subnet: string }[] =>
    Array.from({ length: count }, (_, i) => ({ subnet: `10.${i}.0.0/24` }))
  const vnis = (count: number): string => Array.from({ length: count }, (_, i) => 5000 + i).join()

  test('up to SUBNETS_MAX subnets', () => {
    const most = network({ [LIST]: vnis(SUBNETS_MAX) }, subnets(SUBNETS_MAX))
    expect(overlayShape(most).subnets).toHaveLength(SUBNETS_MAX)
    const more = network({ [LIST]: vnis(SUBNETS_MAX + 1) }, subnets(SUBNETS_MAX + 1))
    expect(() => overlayShape(more)).toThrow('too many subnets')
  })

  test.each([
    ['no VNIs', network({}, ONE), 'fewer VNIs than subnets'],
    ['too few VNIs', network({ [LIST]: '4097' }, subnets(2)), 'fewer VNIs than subnets'],
    ['a VNI twice', network({ [LIST]: '7,7' }, subnets(2)), 'a VNI twice'],
    ['VNI 0', network({ [LIST]: '0' }, ONE), 'list of VNIs'],
    ['a VNI of 25 bits', network({ [LIST]: '16777216' }, ONE), 'list of VNIs'],
    ['a VNI that is none', network({ [LIST]: 'x' }, ONE), 'list of VNIs'],
    ['no subnet', network({ [LIST]: '4097' }, []), 'no subnet'],
    ['a subnet that is none', network({ [LIST]: '1' }, [{ subnet: 'x' }]), 'not well-formed'],
    ['another driver', network({}, ONE, { driverState: { name: 'bridge' } }), '"bridge"'],
    ['no driver', network({}, ONE, { driverState: { name: '' } }), 'its driver is ""'],
    ['an ID with a slash', network({ [LIST]: '4097' }, ONE, { id: 'a/b' }), 'ID'],
    ['an MTU of words', network({ [LIST]: '4097', [MTU]: 'big' }, ONE), 'MTU'],
    [
      'an MTU beyond IP',
      network({ [LIST]: '4097', [MTU]: String(MTU_OPTION_BYTES_MAX + 1) }, ONE),
      'MTU',
    ],
  ])('is refused with %s', (_, bad, text) => {
    expect(() => overlayShape(bad)).toThrow(text)
    expect(() => overlayShape(bad)).toThrow(
      expect.objectContaining({ code: 'ERR_PRECONDITION' }) as Error,
    )
  })
})
