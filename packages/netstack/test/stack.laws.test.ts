/** Whatever arrives: nothing throws, everything is counted, and little is said in return. */
import { parseIp, parseMac, type Ip } from '@weft/core'
import { SeededRandom, VirtualClock } from '@weft/core/testing'
import {
  arpReplyFrame,
  arpRequestFrame,
  dissect,
  echoFrame,
  gratuitousArpFrame,
  neighbourAdvertisementFrame,
  neighbourSolicitationFrame,
  udpFrame,
  unsolicitedAdvertisementFrame,
} from '@weft/wire'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { NetStack, StackCounters } from '../src/index.ts'
import { Bench, OUR_IP, OURS, THEIRS, toUs, wired } from './stack-kit.ts'

const PAYLOAD = Uint8Array.from({ length: 40 }, (_, i) => i)
const echo = { identifier: 1, sequence: 1, body: PAYLOAD }
const family = fc.constantFrom(4 as const, 6 as const)

/** Frames as they should be. */
const sound = fc.oneof(
  family.map((f) => echoFrame(toUs(f), { kind: 'echo-request', ...echo })),
  family.map((f) => echoFrame(toUs(f), { kind: 'echo-reply', ...echo })),
  fc.tuple(family, fc.constantFrom(53, 54)).map(([f, destinationPort]) =>
    udpFrame(toUs(f), { sourcePort: 9, destinationPort, payload: PAYLOAD }),
  ),
  fc.constantFrom(
    arpRequestFrame({ mac: THEIRS.mac, ip: THEIRS.ip[4] }, OUR_IP[4]),
    arpReplyFrame({ mac: THEIRS.mac, ip: THEIRS.ip[4] }, { mac: OURS.mac, ip: OUR_IP[4] }),
    gratuitousArpFrame({ mac: THEIRS.mac, ip: THEIRS.ip[4] }),
    neighbourSolicitationFrame({ mac: THEIRS.mac, ip: THEIRS.ip[6] }, OUR_IP[6]),
    neighbourAdvertisementFrame(
      { mac: THEIRS.mac, ip: THEIRS.ip[6] },
      { mac: OURS.mac, ip: OUR_IP[6] },
    ),
    unsolicitedAdvertisementFrame({ mac: THEIRS.mac, ip: THEIRS.ip[6] }),
  ),
)

/** The same with a few bytes changed, cut off or added, and what was never a frame. */
const mutated = fc
  .tuple(
    sound,
    fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { maxLength: 3 }),
    fc.option(fc.nat(120), { nil: 65_536 }),
    fc.uint8Array({ maxLength: 8 }),
  )
  .map(([frame, changes, length, more]) => {
    const bytes = Uint8Array.from([...frame.subarray(0, length), ...more])
    for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value
    return bytes
  })
const addressed = fc
  .uint8Array({ maxLength: 80 })
  .map((rest) => Uint8Array.from([2, 0x42, 0x0a, 0, 1, 2, ...rest]))
const frames = fc.array(fc.oneof(sound, mutated, mutated, addressed, fc.uint8Array()), {
  maxLength: 60,
})

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((all, one) => all + one, 0)
}

function accountedFor({ accepted, dropped, received }: StackCounters): boolean {
  return received === accepted + sum(dropped)
}

test('no frame makes it throw; each is counted once, and answered once at most', async () => {
  const property = fc.asyncProperty(frames, async (given) => {
    const bench = new Bench()
    bench.stack.bindUdp({ port: 53 })
    for (const frame of given) await bench.give(frame)
    const counters = bench.stack.counters()
    expect(accountedFor(counters)).toBe(true)
    expect(counters.received).toBe(given.length)
    expect(counters.transmitted).toBe(bench.sent.length)
    // An answer, and for an answer to a new neighbour a question.
    expect(bench.sent.length).toBeLessThanOrEqual(2 * given.length)
    for (const frame of bench.sent) {
      const layers = dissect(frame)
      expect(layers.some(({ kind }) => kind === 'fault')).toBe(false)
      const states = layers.map((one) => ('checksum' in one ? one.checksum : 'unknown'))
      expect(states).not.toContain('bad')
    }
    await bench.clock.advance(10_000)
    expect(bench.clock.pending).toBe(0)
  })
  await fc.assert(property, { numRuns: 400 })
})

test('every strict prefix of a frame, and every single changed byte', async () => {
  const bench = new Bench()
  bench.stack.bindUdp({ port: 53 })
  let count = 0
  const give = async (frame: Uint8Array): Promise<void> => {
    await bench.give(frame)
    count++
  }
  const samples = fc.sample(sound, { seed: 7, numRuns: 12 })
  for (const frame of samples) {
    for (let end = 0; end < frame.length; end++) await give(frame.slice(0, end))
    for (let at = 0; at < frame.length; at++) {
      const changed = frame.slice()
      changed[at] = (changed[at] ?? 0) ^ 0xff
      await give(changed)
    }
  }
  expect(accountedFor(bench.stack.counters())).toBe(true)
  expect(bench.stack.counters().received).toBe(count)
})

test('what is not for us changes nothing that we send later', async () => {
  const shouts = fc.array(
    fc.constantFrom(
      gratuitousArpFrame({ mac: parseMac('02:42:0a:00:01:63'), ip: parseIp('10.0.1.9') }),
      unsolicitedAdvertisementFrame({
        mac: parseMac('02:42:0a:00:01:63'),
        ip: parseIp('fd00:1::9'),
      }),
      udpFrame(
        { ...toUs(4), destination: parseIp('10.0.1.9') },
        { sourcePort: 1, destinationPort: 53, payload: PAYLOAD },
      ),
    ),
  )
  const property = fc.asyncProperty(shouts, async (given) => {
    const [told, untold] = [new Bench(), new Bench()]
    await told.give(...given)
    for (const { stack } of [told, untold]) {
      const socket = stack.bindUdp()
      for (const ip of ['10.0.1.9', 'fd00:1::9']) socket.send({ ip: ip as Ip, port: 9 }, PAYLOAD)
    }
    expect(told.take()).toEqual(untold.take())
  })
  await fc.assert(property, { numRuns: 50 })
})

test('on a wire that loses, doubles and reorders, each datagram comes as it was sent', async () => {
  const contents = fc.uint8Array({ maxLength: 200 })
  const property = fc.asyncProperty(fc.nat(), contents, async (seed, bytes) => {
    const clock = new VirtualClock()
    const random = new SeededRandom(seed)
    const held: Uint8Array[] = []
    const [one, two] = wired(clock, undefined, (frame) => {
      const fate = random.below(5)
      if (fate === 0) return []
      if (fate === 1) return [frame, frame]
      if (fate > 2) return [frame]
      held.push(frame)
      return held.length > 2 ? held.splice(0).reverse() : []
    })
    const [socket, other] = [one.bindUdp(), two.bindUdp({ port: 53 })]
    const heard: Uint8Array[] = []
    void (async () => {
      for await (const message of other.messages()) heard.push(message.bytes)
    })()
    for (let i = 0; i < 30; i++) {
      socket.send({ ip: THEIRS.ip[i % 2 === 0 ? 4 : 6], port: 53 }, bytes)
      await clock.advance(500)
    }
    expect(heard.length).toBeGreaterThan(0)
    for (const each of heard) expect(each).toEqual(bytes)
    for (const stack of [one, two] satisfies NetStack[]) {
      expect(accountedFor(stack.counters())).toBe(true)
    }
  })
  await fc.assert(property, { numRuns: 20 })
})

test('the same frames at the same times give the same answers', async () => {
  const property = fc.asyncProperty(frames, async (given) => {
    const run = async (): Promise<string[][]> => {
      const bench = new Bench()
      for (const frame of given) await bench.give(frame)
      return bench.take()
    }
    expect(await run()).toEqual(await run())
  })
  await fc.assert(property, { numRuns: 30 })
})
