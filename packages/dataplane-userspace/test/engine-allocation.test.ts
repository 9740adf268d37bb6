/** Packets by the hundred thousand through the switch leave nothing on the heap. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { parseIp, parseMac, writeMac } from '@weft/core'
import { arpRequestFrame } from '@weft/wire'
import { expect, test } from 'vitest'
import { fastestSuite } from '../src/fastest-suite.ts'
import {
  PacketView,
  type SealingParts,
  SWITCH_ARENA_BYTES,
  SwitchEngine,
  TRANSMIT_SEGMENTS_MAX,
} from '../src/engine/index.ts'
import { blue, C1, C2, PEER, port, sourceOf, stateOf, tunnelled } from './engine-kit.ts'
import { BURST, frameOf, segmentsOf, superFrameOf, type Burst } from './naive-segments.ts'
import { FAR_VTEP, keysOf, NEAR_VTEP, sealing, TUNNEL_PORT } from './sealed-kit.ts'

const ROUND_PACKETS = 25_000
const ROUNDS = 10
const WARM_PACKETS = 2 * ROUND_PACKETS
/** V8 makes objects of larger numbers: so large are those of these packets. */
const SEQUENCE_AFTER = 2 ** 31
/** One object of any kind takes at least 12 bytes. */
const BYTES_A_PACKET_MAX = 1

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Slots behind the arena, as a shell has them. */
const SLOT = SWITCH_ARENA_BYTES
const memory = new Uint8Array(SWITCH_ARENA_BYTES + 0x2_0000)
const view = new PacketView(memory)
let packets = 0
const C3 = { mac: parseMac('02:42:0a:00:03:02') }
const C4 = { mac: parseMac('02:42:0a:00:03:03') }
const PEER_NEAR = sourceOf(NEAR_VTEP[4])
const SUITE = fastestSuite('aes-128-gcm-8').suite

function sealingOf(label: string): SealingParts {
  return { ...sealing(label, SEQUENCE_AFTER), suite: SUITE }
}

const engine = new SwitchEngine(
  {
    deliver: () => {
      packets++
    },
    transmit: (_peer, { start, end, segmentBytes }) => {
      packets += segmentBytes === 0 ? 1 : Math.ceil((end - start) / segmentBytes)
    },
    transmitSealed: (_peer, packet) => {
      far.fromSealed(packet, PEER_NEAR, false)
    },
  },
  {
    arena: { bytes: memory, start: 0 },
    segmentsMax: TRANSMIT_SEGMENTS_MAX,
    sealing: sealingOf('near'),
  },
)
/** Who opens what the switch seals, where it stands. */
const far = new SwitchEngine(
  {
    deliver: (_port, { end, start, segmentBytes }) => {
      packets += segmentBytes === 0 ? 1 : Math.ceil((end - start) / segmentBytes)
    },
    transmit: () => undefined,
    transmitSealed: () => undefined,
  },
  {
    arena: { bytes: new Uint8Array(SWITCH_ARENA_BYTES), start: 0 },
    segmentsMax: TRANSMIT_SEGMENTS_MAX,
    sealing: sealingOf('far'),
  },
)
const SEALED = { encapsulation: 'vxlan-esp', neighbours: new Map() } as const
far.load({
  peers: new Map([[0, { ip: parseIp(NEAR_VTEP[4]), port: TUNNEL_PORT }]]),
  subnets: stateOf({
    4099: blue({ ...SEALED, ports: new Map([[C3.mac, port(0, [], 15)]]), forwarding: new Map() }),
  }).subnets,
})
for (const [one, local, peer] of [
  [engine, NEAR_VTEP[4], FAR_VTEP[4]],
  [far, FAR_VTEP[4], NEAR_VTEP[4]],
] as const) {
  const peers = new Set([parseIp(peer)])
  one.secure({ local: { ip: parseIp(local), port: TUNNEL_PORT }, peers, keys: keysOf([1]) })
}
engine.load(
  stateOf({
    4099: blue({
      ...SEALED,
      ports: new Map([[C4.mac, port(2, [], 15)]]),
      forwarding: new Map([[C3.mac, 0]]),
    }),

    4097: blue({ ports: new Map([[C1.mac, port(0, [C1.ip4], 15)]]) }),
    4098: blue({ ports: new Map([[C2.mac, port(1, [C2.ip4], 15)]]) }),
  }),
)

function load(bytes: Uint8Array): PacketView {
  memory.set(bytes, SLOT)
  view.setPlain(memory, SLOT, SLOT + bytes.length)
  return view
}

const small: Burst = { ...BURST, protocol: 'udp' }
const plain = frameOf(small, new Uint8Array(22))
const big = superFrameOf({ ...BURST, payload: new Uint8Array(60_000) }, 1400)
const question = arpRequestFrame({ mac: C1.mac, ip: C1.ip4 }, C2.ip4)
const segments = segmentsOf({ ...BURST, payload: new Uint8Array(40_000) }, 1000)
const train = Uint8Array.from(segments.flatMap((one) => [...tunnelled(one, 4098)]))
const segmentBytes = tunnelled(segments[0] ?? plain).length

const sealedPlain = between(plain)
const sealedBig = between(big.frame)

/** The same frame for the encrypted subnet. */
function between(frame: Uint8Array): Uint8Array {
  const copy = frame.slice()
  writeMac(copy, 0, C3.mac)
  writeMac(copy, 6, C4.mac)
  return copy
}

const WAYS: Readonly<Record<string, () => void>> = {
  'small datagrams out': () => {
    engine.fromPort(0, load(plain))
  },
  'super-segments out': () => {
    load(big.frame)
    Object.assign(view, big.offloads)
    engine.fromPort(0, view)
  },
  'trains in, put together': () => {
    load(train)
    view.segmentBytes = segmentBytes
    engine.fromUnderlay(view, PEER)
    packets += segments.length - 1
  },
  'questions answered': () => {
    engine.fromPort(0, load(question))
  },
  'small datagrams sealed and opened': () => {
    engine.fromPort(2, load(sealedPlain))
  },
  'super-segments sealed and opened': () => {
    load(sealedBig)
    Object.assign(view, big.offloads)
    engine.fromPort(2, view)
  },
}

/** Bytes that a way leaves behind for each packet, in the middle of some rounds. */
function grownBy(way: () => void): number {
  const round = (): number => {
    const aim = packets + ROUND_PACKETS
    const before = process.memoryUsage().heapUsed
    while (packets < aim) {
      for (let i = 0; i < 16; i++) way()
      engine.flush()
    }
    return (process.memoryUsage().heapUsed - before) / ROUND_PACKETS
  }
  for (let done = 0; done < WARM_PACKETS; done += ROUND_PACKETS) round()
  collect()
  const grown = Array.from({ length: ROUNDS }, round).sort((a, b) => a - b)
  return grown[ROUNDS / 2] ?? NaN
}

test.each(Object.entries(WAYS))('%s: nothing allocated for any', (_name, way) => {
  expect(grownBy(way)).toBeLessThan(BYTES_A_PACKET_MAX)
})

test('the rig would see an object', () => {
  const kept: unknown[] = []
  const before = process.memoryUsage().heapUsed
  for (let i = 0; i < ROUND_PACKETS; i++) kept.push({ i })
  expect((process.memoryUsage().heapUsed - before) / ROUND_PACKETS).toBeGreaterThan(
    BYTES_A_PACKET_MAX,
  )
  expect(kept).toHaveLength(ROUND_PACKETS)
})
