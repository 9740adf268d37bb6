/** A program's own IP stack: frames that anybody on its network may send it. */
import {
  instantAfter,
  parseInterfaceAddress,
  parseIp,
  parseMac,
  setU16,
  toHex,
  u16,
  u8,
  writeMac,
  type Clock,
  type Instant,
} from '@weft/core'
import { SeededRandom } from '@weft/core/testing'
import { NetStack } from '@weft/netstack'
import {
  arpReplyFrame,
  arpRequestFrame,
  dissect,
  echoFrame,
  ETHER_TYPE,
  ethernet,
  gratuitousArpFrame,
  ipv4,
  ipv6,
  neighbourAdvertisementFrame,
  neighbourSolicitationFrame,
  udpFrame,
  unsolicitedAdvertisementFrame,
  writeTransportChecksum,
} from '@weft/wire'
import { recordedFrames } from './recordings.ts'
import type { FuzzTarget } from './target.ts'

const OURS = { mac: parseMac('02:42:0a:00:01:02'), ip: ipsOf(2) }
const THEIRS = { mac: parseMac('02:42:0a:00:01:03'), ip: ipsOf(3) }
const PORT = 53
const MTU_BYTES = 1450
/** An answer, and for an answer to somebody new a question. */
const SENT_MAX = 2
/** Headers, and of what they report no more than RFC 1812 §4.3.2.3 and RFC 4443 §2.4 let. */
const ERROR_BYTES_MAX = 1280
/** Longer than anything in a stack waits. */
const LATER_MS = 120_000

function ipsOf(last: number) {
  return { 4: parseIp(`10.0.1.${last}`), 6: parseIp(`fd00:1::${last}`) } as const
}

function of({ ip, mac }: typeof OURS, family: 4 | 6) {
  return { mac, ip: ip[family] }
}

/** Runs what is due when it is told to, in order, at once. */
class StepClock implements Clock {
  readonly #tasks = new Set<{ readonly at: Instant; readonly task: () => void }>()
  #now = 0 as Instant

  now = (): Instant => this.#now
  wall = (): number => this.#now

  schedule(at: Instant, task: () => void): Disposable {
    const entry = { at, task }
    this.#tasks.add(entry)
    return { [Symbol.dispose]: () => void this.#tasks.delete(entry) }
  }

  advance(ms: number): void {
    const until = instantAfter(this.#now, ms)
    for (;;) {
      const [next] = [...this.#tasks].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)
      if (next === undefined) break
      this.#tasks.delete(next)
      if (next.at > this.#now) this.#now = next.at
      next.task()
    }
    this.#now = until
  }

  get isIdle(): boolean {
    return this.#tasks.size === 0
  }
}

/** Frames for us of all kinds that the stack knows, and those that the kernel sent. */
function corpus(): readonly Uint8Array[] {
  const body = Uint8Array.from({ length: 40 }, (_, i) => i)
  const made = ([4, 6] as const).flatMap((family) => {
    const envelope = {
      sourceMac: THEIRS.mac,
      destinationMac: OURS.mac,
      source: THEIRS.ip[family],
      destination: OURS.ip[family],
    }
    const echo = { identifier: 1, sequence: 1, body }
    return [
      echoFrame(envelope, { kind: 'echo-request', ...echo }),
      echoFrame(envelope, { kind: 'echo-reply', ...echo }),
      udpFrame(envelope, { sourcePort: 9, destinationPort: PORT, payload: body }),
      udpFrame(envelope, { sourcePort: 9, destinationPort: PORT + 1, payload: body }),
    ]
  })
  const [us4, us6] = [of(OURS, 4), of(OURS, 6)]
  const [them4, them6] = [of(THEIRS, 4), of(THEIRS, 6)]
  const told = [
    arpRequestFrame(them4, us4.ip),
    arpReplyFrame(them4, us4),
    gratuitousArpFrame(them4),
    neighbourSolicitationFrame(them6, us6.ip),
    neighbourAdvertisementFrame(them6, us6),
    unsolicitedAdvertisementFrame(them6),
  ]
  const heard = recordedFrames().map((frame) => {
    const copy = frame.slice()
    if (copy.length >= ethernet.headerLength) writeMac(copy, 0, OURS.mac)
    return copy
  })
  return [...made, ...told, ...heard]
}

/** A stack with a socket, that has just sent somebody a datagram and waits for where they are. */
function run(bytes: Uint8Array, start: number, end: number): unknown {
  const clock = new StepClock()
  const stack = new NetStack({ clock, random: new SeededRandom('fuzz') })
  const sent: Uint8Array[] = []
  stack.connect((frame) => void sent.push(frame.slice()))
  const addresses = ['10.0.1.2/24', 'fd00:1::2/64'].map(parseInterfaceAddress)
  stack.configure({ mac: OURS.mac, addresses, gateways: [], mtuBytes: MTU_BYTES })
  const socket = stack.bindUdp({ port: PORT })
  for (const ip of Object.values(THEIRS.ip)) socket.send({ ip, port: 9 }, Uint8Array.of(1))
  sent.length = 0
  const before = stack.counters()
  const frame = bytes.slice(start, end)
  stack.deliver(frame)
  clock.advance(0)
  const after = stack.counters()
  checkAnswers(sent, frame)
  const dropped = [...after.dropped.values()].reduce((sum, count) => sum + count, 0)
  if (after.received !== before.received + 1) throw new Error('a frame is received once')
  if (after.received !== after.accepted + dropped) throw new Error('neither of use nor counted')
  const said = sent.map(toHex)
  clock.advance(LATER_MS)
  stack[Symbol.dispose]()
  if (!clock.isIdle) throw new Error('something waits for ever')
  return [said, [...after.dropped], after.accepted]
}

/** Who was waited for may be sent what waited; else there is little to say, and all of it sound. */
function checkAnswers(sent: readonly Uint8Array[], frame: Uint8Array): void {
  if (sent.length > SENT_MAX) throw new Error(`${sent.length} frames for one`)
  for (const answer of sent) {
    if (answer.length > Math.max(frame.length, ERROR_BYTES_MAX)) throw new Error('a long answer')
    for (const layer of dissect(answer)) {
      if (layer.kind === 'fault') throw new Error(`sent what is ${layer.fault}`)
      if ('checksum' in layer && layer.checksum === 'bad') throw new Error('sent a wrong sum')
    }
  }
}

/** For us, with lengths and checksums that are right, so that what is behind them is read. */
function repair(frame: Uint8Array): void {
  const at = ethernet.headerLength
  if (frame.length < at + ipv4.headerLength) return
  if (u8(frame, 0) % 2 === 0) writeMac(frame, 0, OURS.mac)
  const type = u16(frame, at - 2)
  if (type === ETHER_TYPE.ipv4) {
    setU16(frame, at + 2, frame.length - at)
    if (ipv4.payloadStart(frame, at) > frame.length) return
    if (ipv4.payloadStart(frame, at) < at + ipv4.headerLength) return
    ipv4.updateHeaderChecksum(frame, at)
    if (ipv4.check(frame, at, frame.length) === null) writeTransportChecksum(frame, at)
  } else if (type === ETHER_TYPE.ipv6 && frame.length >= at + ipv6.headerLength) {
    setU16(frame, at + 4, frame.length - at - ipv6.headerLength)
    if (ipv6.check(frame, at, frame.length) === null) writeTransportChecksum(frame, at)
  }
}

/** What a program on a network hears. */
export const netstackTargets: readonly FuzzTarget[] = [
  {
    name: 'netstack/receive',
    about: 'frames for a program: counted once, answered with little and nothing wrong',
    corpus,
    run,
    repair,
    smokeCases: 500,
  },
]
