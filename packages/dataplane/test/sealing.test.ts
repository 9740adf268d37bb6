/** Encrypted networks in the contract: keys, MTU, and what must be seen of them. */
import { parseCidr, parseIp, parseMac, vni } from '@weft/core'
import { expect, test } from 'vitest'
import {
  ESP_OVERHEAD_BYTES,
  expectedItems,
  keysProblem,
  overlayMtu,
  sealedPeers,
  TUNNEL_KEY_BYTES,
  TUNNEL_KEYS_MAX,
  validate,
  type Capabilities,
  type DesiredState,
  type Encapsulation,
  type TunnelKey,
} from '../src/index.ts'

const CAPABLE: Capabilities = {
  attachments: new Set(['netns']),
  encapsulations: new Set(['vxlan', 'vxlan-esp']),
  underlayFamilies: new Set([4, 6]),
  overlayFamilies: new Set([4, 6]),
  mtuMaxBytes: 65_485,
  persistent: true,
}
const FACTS = { underlayMtuBytes: 1500 }

function key(tag: number, parts: Partial<TunnelKey> = {}): TunnelKey {
  const writeKeyMaterial = (): number => TUNNEL_KEY_BYTES
  return { tag, byteLength: TUNNEL_KEY_BYTES, isZeroed: false, writeKeyMaterial, ...parts }
}

function desired(keys?: readonly TunnelKey[]): DesiredState {
  const remote = (ip: string, node: string): [string, DesiredRemote] => [
    ip,
    { mac: parseMac(`02:42:0a:00:01:0${ip.at(-1)}`), addresses: [parseIp(ip)], node },
  ]
  const peer = (ip: string): { tunnel: { ip: ReturnType<typeof parseIp>; port: number } } => ({
    tunnel: { ip: parseIp(ip), port: 4789 },
  })
  return {
    generation: 1,
    tunnel: { ip: parseIp('192.0.2.1'), port: 4789 },
    peers: new Map([
      ['b', peer('192.0.2.2')],
      ['c', peer('192.0.2.3')],
    ]),
    networks: new Map([
      [
        'blue',
        {
          encapsulation: 'vxlan-esp',
          mtu: null,
          subnets: [{ vni: vni(7), prefixes: [{ cidr: parseCidr('10.0.1.0/24'), gateway: null }] }],
          local: new Map(),
          remote: new Map([remote('10.0.1.2', 'b'), remote('10.0.1.3', 'b')]),
        },
      ],
    ]),
    ...(keys === undefined ? {} : { keys }),
  }
}
type DesiredRemote = DesiredState['networks'] extends ReadonlyMap<string, { remote: infer R }>
  ? R extends ReadonlyMap<string, infer Spec>
    ? Spec
    : never
  : never

test('keys must be there, of one size, of different tags, and not too many', () => {
  const many = Array.from({ length: TUNNEL_KEYS_MAX }, (_, i) => key(i))
  expect(keysProblem(many)).toBeNull()
  expect(keysProblem([...many, key(99)])?.problem).toBe('there are too many keys')
  expect(keysProblem([])?.problem).toBe('there is no key to encrypt with')
  const short = key(1, { byteLength: TUNNEL_KEY_BYTES - 1 })
  expect(keysProblem([key(2), short])?.problem).toBe('a key is of the wrong size')
  expect(keysProblem([key(1, { isZeroed: true })])?.problem).toBe('a key was zeroed')
  expect(keysProblem([key(1), key(1)])?.problem).toBe('two keys have one tag')
})

test('an encrypted network without keys is refused, never clear', () => {
  const { accepted, failures } = validate(desired(), CAPABLE, FACTS)
  expect(accepted.networks.size).toBe(0)
  expect(failures.find(({ item }) => item === 'networks/blue')?.error.code).toBe('ERR_INVALID_ITEM')
})

test('keys reach the accepted state, and ESP takes its part of the MTU', () => {
  const keys = [key(8), key(7)]
  const { accepted, failures } = validate(desired(keys), CAPABLE, FACTS)
  expect(failures).toEqual([])
  expect(accepted.keys).toBe(keys)
  expect(accepted.networks.get('blue')?.mtu).toBe(1424)
  const { networks, ...frame } = desired(keys)
  const big = new Map([...networks].map(([id, network]) => [id, { ...network, mtu: 1425 }]))
  const [failure] = validate({ ...frame, networks: big }, CAPABLE, FACTS).failures
  expect(failure?.error).toMatchObject({ code: 'ERR_MTU', details: { mtuMax: 1424 } })
})

test('what ESP leaves is a multiple of its words (docker-wire §6.6)', () => {
  expect(ESP_OVERHEAD_BYTES).toBe(26)
  expect(overlayMtu(1500, 4, 'vxlan-esp')).toBe(1424)
  expect(overlayMtu(1501, 4, 'vxlan-esp')).toBe(1424)
  expect(overlayMtu(1504, 4, 'vxlan-esp')).toBe(1428)
  expect(overlayMtu(1500, 6, 'vxlan-esp')).toBe(1404)
})

test('what sealing adds besides is left too, and clear networks do not pay for it', () => {
  const mtuOf = (encapsulation: Encapsulation, sealExtraBytes: number): number | undefined => {
    const state = desired([key(8)])
    const networks = new Map([...state.networks].map(([id, n]) => [id, { ...n, encapsulation }]))
    const facts = { ...FACTS, sealExtraBytes }
    const { accepted } = validate({ ...state, networks }, CAPABLE, facts)
    return [...accepted.networks.values()][0]?.mtu
  }
  expect(mtuOf('vxlan-esp', 0)).toBe(1424)
  expect(mtuOf('vxlan-esp', 16)).toBe(1408)
  expect(mtuOf('vxlan-esp', 17)).toBe(1404)
  expect(mtuOf('vxlan', 16)).toBe(1450)
})

test('peers with endpoints on encrypted networks are seen by the names of keys', () => {
  const state = desired([key(8), key(7), key(9)])
  expect(sealedPeers(state)).toEqual([{ node: 'b', ip: '192.0.2.2', port: 4789 }])
  const items = expectedItems(state, () => 1424)
  expect(items.get('associations/192.0.2.2')).toBe('seals 8 opens 7 8 9')
  expect(items.get('guards/7')).toBe('port 4789 encrypted only')
  expect(items.has('associations/192.0.2.3')).toBe(false)
})
