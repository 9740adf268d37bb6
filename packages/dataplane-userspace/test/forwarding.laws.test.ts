/** Any frame in any state goes where the naive switch says; any state is loaded from any other. */
import {
  macFromBytes,
  parseCidr,
  parseIp,
  parseMac,
  toHex,
  vni,
  writeMac,
  type Ip,
  type Mac,
} from '@weft/core'
import {
  arpRequestFrame,
  arpReplyFrame,
  echoFrame,
  neighbourSolicitationFrame,
  udpFrame,
} from '@weft/wire'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { EnginePort, EngineState, EngineSubnet } from '../src/engine/index.ts'
import { EngineKit, PEER, tunnelled } from './engine-kit.ts'
import { textOf, tunnelVerdictOf, verdictOf, type Verdict } from './naive-switch.ts'

/** Few of each, so that they meet. */
const MACS = [2, 3, 4, 5, 6].map((last) => parseMac(`02:42:0a:00:01:0${last}`))
const IPS = [2, 3, 4, 5].flatMap((last) => [parseIp(`10.0.1.${last}`), parseIp(`fd00:1::${last}`)])
const GATEWAYS = [parseIp('10.0.1.1'), parseIp('fd00:1::1')]
const PREFIXES = [
  { cidr: parseCidr('10.0.1.0/24'), gateway: GATEWAYS[0] ?? null },
  { cidr: parseCidr('fd00:1::/64'), gateway: GATEWAYS[1] ?? null },
]
const DESTINATIONS = [
  ...MACS,
  parseMac('ff:ff:ff:ff:ff:ff'),
  parseMac('33:33:00:00:00:fb'),
  parseMac('02:77:65:00:00:01'),
  parseMac('02:77:65:00:00:02'),
  parseMac('02:00:5e:00:53:01'),
]

/** Each MAC is here, there or nowhere; a port is in one subnet. */
function subnetOf(
  id: number,
  homes: readonly number[],
  answered: readonly boolean[],
): EngineSubnet {
  const ports = new Map<Mac, EnginePort>()
  const forwarding = new Map<Mac, number>()
  const neighbours = new Map<Ip, Mac>()
  for (const [i, mac] of MACS.entries()) {
    const home = homes[i] ?? 0
    if (home === 1) ports.set(mac, { port: 10 * id + i, addresses: [], offloads: 0 })
    if (home >= 2) forwarding.set(mac, home - 2)
  }
  for (const [i, ip] of IPS.entries()) {
    const mac = MACS[(i + id) % MACS.length]
    if (answered[i] === true && mac !== undefined) neighbours.set(ip, mac)
  }
  return {
    network: `network-${id % 2}`,
    encapsulation: 'vxlan',
    mtuBytes: 200,
    prefixes: id === 1 ? PREFIXES : [],
    ports,
    forwarding,
    neighbours,
  }
}

const subnets = fc.tuple(
  fc.array(fc.nat(3), { minLength: MACS.length, maxLength: MACS.length }),
  fc.array(fc.boolean(), { minLength: IPS.length, maxLength: IPS.length }),
)

const states: fc.Arbitrary<EngineState> = fc
  .array(fc.option(subnets), { minLength: 3, maxLength: 3 })
  .map((all) => ({
    peers: new Map([
      [0, { ip: parseIp('192.0.2.2'), port: 4789 }],
      [1, { ip: parseIp('2001:db8::3'), port: 4790 }],
      [2, { ip: parseIp('2001:db8::3'), port: 4791 }],
    ]),
    subnets: new Map(
      all.flatMap((one, i) =>
        one === null ? [] : [[vni(i + 1), subnetOf(i + 1, one[0], one[1])] as const],
      ),
    ),
  }))

const one = { mac: MACS[0] ?? DESTINATIONS[0], ip: IPS[0] }

/** Questions, answers, datagrams, pings and noise, to anybody. */
const frames: fc.Arbitrary<Uint8Array> = fc
  .tuple(
    fc.constantFrom('arp', 'reply', 'nd', 'udp', 'echo', 'noise'),
    fc.constantFrom(...IPS, ...GATEWAYS, parseIp('10.9.9.9')),
    fc.option(fc.constantFrom(...DESTINATIONS)),
    fc.oneof(
      fc.uint8Array({ maxLength: 250 }),
      fc.uint8Array({ minLength: 140, maxLength: 250 }),
    ),
  )
  .map(([kind, target, destination, payload]) => {
    const frame = frameOf(kind, target, payload)
    if (destination !== null && frame.length >= 6) writeMac(frame, 0, destination)
    return frame
  })

function frameOf(kind: string, target: Ip, payload: Uint8Array): Uint8Array {
  const [four, six, mac] = [parseIp('10.0.1.2'), parseIp('fd00:1::2'), one.mac ?? MACS[0]]
  if (mac === undefined || kind === 'noise') return payload
  const isSix = target.includes(':')
  if (kind === 'arp' && !isSix) return arpRequestFrame({ mac, ip: four }, target)
  if (kind === 'reply' && !isSix) return arpReplyFrame({ mac, ip: four }, { mac, ip: target })
  if (kind === 'nd' && isSix) return neighbourSolicitationFrame({ mac, ip: six }, target)
  const source = isSix ? six : four
  const envelope = { sourceMac: mac, destinationMac: mac, source, destination: target }
  if (kind === 'echo') {
    return echoFrame(envelope, { kind: 'echo-request', identifier: 1, sequence: 2, body: payload })
  }
  return udpFrame(envelope, { sourcePort: 1, destinationPort: 2, payload })
}

/** What the switch did, in the words of the naive one. */
function seen(kit: EngineKit, frame: Uint8Array): unknown {
  const datagrams = kit.datagrams()
  const [drop] = Object.keys(kit.dropped())
  const [first] = kit.delivered
  const hex = toHex(frame)
  if (datagrams.length > 0) {
    return datagrams.map(({ peer, bytes }) => ['transmit', peer, toHex(bytes)])
  }
  if (first !== undefined && toHex(first.bytes) !== hex) {
    return ['answer', first.port, macFromBytes(first.bytes, 6)]
  }
  if (drop !== undefined) return ['drop', drop]
  const ports = kit.delivered.map(({ port }) => port)
  return ['deliver', ports.sort((a, b) => a - b)]
}

function expected(verdict: Verdict, port: number, frame: Uint8Array): unknown {
  if (verdict.kind === 'drop') return ['drop', verdict.reason]
  if (verdict.kind === 'deliver') return ['deliver', verdict.ports]
  if (verdict.kind === 'answer') return ['answer', port, verdict.mac]
  if (verdict.kind === 'gateway') return null
  return [['transmit', verdict.peer, toHex(tunnelled(frame, verdict.vni))]]
}

test('a frame from a port goes where the naive switch says', () => {
  fc.assert(
    fc.property(states, fc.nat(35), frames, (state, port, frame) => {
      const verdict = verdictOf(state, port, frame)
      const kit = new EngineKit(state).fromPort(port, frame)
      if (verdict.kind === 'gateway') {
        expect(kit.datagrams().every(({ bytes }) => bytes[6] === 1)).toBe(true)
        return
      }
      if (verdict.kind === 'drop' && verdict.reason === 'frame-too-long') {
        expect(kit.dropped()).toEqual({ 'frame-too-long': 1 })
        expect(kit.delivered.every((told) => told.port === port)).toBe(true)
        return
      }
      expect(seen(kit, frame)).toEqual(expected(verdict, port, frame))
    }),
    { numRuns: 2000 },
  )
})

test('a frame from a tunnel goes where the naive switch says, and never back', () => {
  fc.assert(
    fc.property(states, fc.integer({ min: 1, max: 4 }), frames, (state, id, frame) => {
      const kit = new EngineKit(state).fromUnderlay(tunnelled(frame, id), PEER)
      expect(kit.datagrams()).toEqual([])
      expect(seen(kit, frame)).toEqual(expected(tunnelVerdictOf(state, id, frame), -1, frame))
    }),
    { numRuns: 1000 },
  )
})

test('nothing crosses from one subnet into another', () => {
  fc.assert(
    fc.property(states, frames, (state, frame) => {
      for (const [id, { ports, prefixes }] of state.subnets) {
        if (prefixes.length > 0) continue
        for (const { port } of ports.values()) {
          const kit = new EngineKit(state).fromPort(port, frame)
          const vnis = kit.datagrams().map(({ bytes }) => bytes[6])
          expect(vnis.every((one) => one === id)).toBe(true)
          const own = new Set([...ports.values()].map((one) => one.port))
          expect(kit.delivered.every((got) => own.has(got.port))).toBe(true)
        }
      }
    }),
    { numRuns: 500 },
  )
})

test('any state leads to any other, and the tables say so', () => {
  fc.assert(
    fc.property(fc.array(states, { minLength: 1, maxLength: 5 }), (path) => {
      const kit = new EngineKit({ peers: new Map(), subnets: new Map() })
      for (const state of path) {
        kit.engine.load(state)
        expect(textOf(kit.engine.read())).toEqual(textOf(state))
      }
    }),
    { numRuns: 500 },
  )
})
