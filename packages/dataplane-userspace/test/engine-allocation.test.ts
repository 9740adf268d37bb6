/** A million packets through the switch, a quarter each way, leave nothing on the heap. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import {
  PacketView,
  SWITCH_ARENA_BYTES,
  SwitchEngine,
  TRANSMIT_SEGMENTS_MAX,
} from '../src/engine/index.ts'
import { blue, C1, C2, PEER, port, stateOf, tunnelled } from './engine-kit.ts'
import { BURST, frameOf, segmentsOf, superFrameOf, type Burst } from './naive-segments.ts'
import { arpRequestFrame } from '@weft/wire'

const ROUND_PACKETS = 25_000
const ROUNDS = 10
/** One object of any kind takes at least 12 bytes. */
const BYTES_A_PACKET_MAX = 1

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Slots behind the arena, as a shell has them. */
const SLOT = SWITCH_ARENA_BYTES
const memory = new Uint8Array(SWITCH_ARENA_BYTES + 0x2_0000)
const view = new PacketView(memory)
let packets = 0
const engine = new SwitchEngine(
  {
    deliver: () => {
      packets++
    },
    transmit: (_peer, { start, end, segmentBytes }) => {
      packets += segmentBytes === 0 ? 1 : Math.ceil((end - start) / segmentBytes)
    },
    transmitSealed: () => undefined,
  },
  { arena: { bytes: memory, start: 0 }, segmentsMax: TRANSMIT_SEGMENTS_MAX, sealing: null },
)
engine.load(
  stateOf({
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
}

test.each(Object.entries(WAYS))('%s: nothing allocated for any', (_name, way) => {
  const round = (): number => {
    const aim = packets + ROUND_PACKETS
    const before = process.memoryUsage().heapUsed
    while (packets < aim) {
      for (let i = 0; i < 16; i++) way()
      engine.flush()
    }
    return (process.memoryUsage().heapUsed - before) / ROUND_PACKETS
  }
  round()
  round()
  collect()
  const grown = Array.from({ length: ROUNDS }, round).sort((a, b) => a - b)
  expect(grown[ROUNDS / 2]).toBeLessThan(BYTES_A_PACKET_MAX)
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
