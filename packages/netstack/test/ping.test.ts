/** Echo: requests answered, requests made, and every way in which one can fail. */
import { parseInterfaceAddress, parseIp } from '@weft/core'
import { VirtualClock } from '@weft/core/testing'
import {
  echoFrame,
  icmp,
  icmpv6,
  IP_PROTOCOL,
  PacketBuffer,
  sealIpFrame,
  type IcmpMessage,
  type Icmpv6Content,
} from '@weft/wire'
import { describe, expect, test } from 'vitest'
import {
  PING_BODY_BYTES,
  PING_TIMEOUT_MS,
  PINGS_MAX,
  type UnreachableReason,
} from '../src/index.ts'
import { Bench, FAMILIES, OUR_IP, OURS, THEIR_CONFIG, THEIRS, toUs, wired } from './stack-kit.ts'

const HEADER_BYTES = { 4: 28, 6: 48 } as const

describe.each(FAMILIES)('over IPv%i', (family) => {
  const there = THEIRS.ip[family]

  test('a request is answered, from the address that was asked', async () => {
    const bench = new Bench()
    const echo = { identifier: 7, sequence: 3, body: Uint8Array.of(1, 2, 3) } as const
    await bench.give(echoFrame(toUs(family), { kind: 'echo-request', ...echo }))
    await bench.introduce(family)
    const lines = bench.take().at(-1)
    expect(lines?.[1]).toContain(`${OUR_IP[family]} > ${there}`)
    const name = family === 4 ? 'icmp' : 'icmpv6'
    expect(lines?.[2]).toBe(`${name} echo-reply id 7 sequence 3 body 3 B`)
  })

  test('two programs ping each other, up to the MTU', async () => {
    const clock = new VirtualClock()
    const [one, two] = wired(clock)
    const bodyMax = OURS.mtuBytes - HEADER_BYTES[family]
    const pings = Promise.all([
      one.ping(there),
      two.ping(OUR_IP[family], { bodyBytes: 0 }),
      one.ping(there, { bodyBytes: bodyMax }),
      one.ping(OUR_IP[family]),
    ])
    await clock.advance(10)
    expect(await pings).toEqual(Array.from({ length: 4 }, () => ({ ms: 0, ttl: 64 })))
    const details = { bytes: bodyMax + 1, bytesMax: bodyMax }
    const tooLong = { code: 'ERR_MESSAGE_TOO_LONG', details }
    await expect(one.ping(there, { bodyBytes: bodyMax + 1 })).rejects.toMatchObject(tooLong)
    expect(clock.pending).toBe(0)
  })

  test('the time is that of the answer’s arrival', async () => {
    const bench = new Bench()
    const ping = bench.stack.ping(there)
    await bench.introduce(family)
    const { identifier, sequence, body } = lastEcho(bench, family)
    await bench.clock.advance(25)
    await bench.give(
      echoFrame({ ...toUs(family), ttl: 61 }, { kind: 'echo-reply', identifier, sequence, body }),
    )
    expect(body).toHaveLength(PING_BODY_BYTES)
    expect(await ping).toEqual({ ms: 25, ttl: 61 })
  })

  test('answers to something else are none', async () => {
    const bench = new Bench()
    const ping = bench.stack.ping(there, { timeoutMs: 500 })
    const late = expect(ping).rejects.toMatchObject({
      code: 'ERR_NO_ANSWER',
      details: { destination: there, timeoutMs: 500 },
    })
    await bench.introduce(family)
    const { identifier, sequence, body } = lastEcho(bench, family)
    const kind = 'echo-reply'
    const elsewhere = { ...toUs(family), source: parseIp(family === 4 ? '10.0.1.9' : 'fd00:1::9') }
    await bench.give(
      echoFrame(toUs(family), { kind, identifier: identifier ^ 1, sequence, body }),
      echoFrame(toUs(family), { kind, identifier, sequence: sequence + 1, body }),
      echoFrame(toUs(family), { kind, identifier, sequence, body: body.subarray(1) }),
      echoFrame(elsewhere, { kind, identifier, sequence, body }),
    )
    expect(bench.dropped('unexpected')).toBe(4)
    await bench.clock.advance(499)
    await bench.clock.advance(1)
    await late
  })

  test('nobody is there', async () => {
    const bench = new Bench()
    const gone = expect(bench.stack.ping(there)).rejects.toMatchObject({
      code: 'ERR_UNREACHABLE',
      details: { destination: there, reason: 'no-neighbour', reportedBy: null, mtuBytes: null },
    })
    await bench.clock.advance(PING_TIMEOUT_MS)
    await gone
    expect(bench.clock.pending).toBe(0)
  })

  test.each(reportsOf(family))('somebody says why: %s', async (reason, message) => {
    const bench = new Bench()
    const ping = bench.stack.ping(there)
    await bench.introduce(family)
    const quote = bench.sent.at(-1)?.subarray(14, 14 + HEADER_BYTES[family]) ?? new Uint8Array()
    const router = parseIp(family === 4 ? '10.0.1.1' : 'fd00:1::1')
    const reporting = { ...toUs(family), source: router }
    const failing = expect(ping).rejects.toMatchObject({
      code: 'ERR_UNREACHABLE',
      details: {
        destination: there,
        reason,
        reportedBy: router,
        mtuBytes: reason === 'too-big' ? 1300 : null,
      },
    })
    await bench.give(errorFrame(reporting, message(quote)))
    await failing
    const late = [quote, quote.slice(1)].map((one) => errorFrame(reporting, message(one)))
    await bench.give(...late)
    expect(bench.dropped('unexpected'), 'nobody waits any more').toBe(2)
  })
})

type Message = (quote: Uint8Array) => IcmpMessage | Icmpv6Content

function reportsOf(family: 4 | 6): readonly [UnreachableReason, Message][] {
  const four = (code: number): Message => (quote) => ({
    kind: 'unreachable',
    code,
    reserved: 0,
    mtu: code === 4 ? 1300 : 0,
    quote,
  })
  const six = (code: number): Message => (quote) => ({
    kind: 'unreachable',
    code,
    reserved: 0,
    quote,
  })
  const late: Message = (quote) => ({ kind: 'time-exceeded', code: 0, reserved: 0, quote })
  const big: Message = (quote) => ({ kind: 'packet-too-big', code: 0, mtu: 1300, quote })
  const problem = (code: number): Message => (quote) => ({
    kind: 'other',
    type: 4,
    code,
    body: Uint8Array.of(0, 0, 0, 6, ...quote),
  })
  return family === 4
    ? [
        ['network', four(0)],
        ['host', four(1)],
        ['protocol', four(2)],
        ['port', four(3)],
        ['too-big', four(4)],
        ['prohibited', four(13)],
        ['other', four(5)],
        ['time-exceeded', late],
      ]
    : [
        ['network', six(0)],
        ['prohibited', six(1)],
        ['host', six(3)],
        ['port', six(4)],
        ['other', six(2)],
        ['too-big', big],
        ['protocol', problem(1)],
        ['other', problem(0)],
        ['time-exceeded', late],
      ]
}

function errorFrame(
  envelope: Parameters<typeof sealIpFrame>[1],
  message: IcmpMessage | Icmpv6Content,
): Uint8Array {
  const isSix = envelope.source.includes(':')
  const six = { ...message, checksum: 0 } as never
  const length = isSix ? icmpv6.lengthOf(six) : icmp.lengthOf(message as IcmpMessage)
  const packet = new PacketBuffer(length)
  const at = packet.extend(length)
  if (isSix) icmpv6.write(packet.bytes, at, six)
  else icmp.write(packet.bytes, at, message as IcmpMessage)
  return sealIpFrame(packet, envelope, isSix ? IP_PROTOCOL.icmpv6 : IP_PROTOCOL.icmp)
}

/** The echo request that was sent last. */
function lastEcho(bench: Bench, family: 4 | 6) {
  const frame = bench.sent.at(-1) ?? new Uint8Array()
  const format = family === 4 ? icmp : icmpv6
  const message = format.decode(frame, 14 + HEADER_BYTES[family] - 8, frame.length)
  if (message.kind !== 'echo-request') throw new Error('it did not send an echo request')
  return message
}

test('an error about another packet is none about ours', async () => {
  const bench = new Bench()
  const ping = bench.stack.ping(THEIRS.ip[4], { timeoutMs: 100 })
  const late = expect(ping).rejects.toMatchObject({ code: 'ERR_NO_ANSWER' })
  await bench.introduce(4)
  const { identifier, sequence } = lastEcho(bench, 4)
  const elsewhere = { ...toUs(4), source: OUR_IP[4], destination: parseIp('10.0.1.9') }
  const echo = { kind: 'echo-request', identifier, sequence, body: new Uint8Array() } as const
  const unreachable = { kind: 'unreachable', code: 1, reserved: 0, mtu: 0 } as const
  await bench.give(
    errorFrame(toUs(4), { ...unreachable, quote: echoFrame(elsewhere, echo).subarray(14) }),
  )
  // Too short to tell; what is behind it in the frame is padding, and no part of it.
  const quote = bench.sent.at(-1)?.subarray(14, 14 + 28) ?? new Uint8Array()
  const cut = errorFrame(toUs(4), { ...unreachable, quote: quote.subarray(0, 27) })
  await bench.give(Uint8Array.from([...cut, ...quote.subarray(27)]))
  expect(bench.dropped('unexpected')).toBe(2)
  await bench.clock.advance(100)
  await late
})

test('a signal is let go of', async () => {
  const listeners = new Set<() => void>()
  const signal = {
    aborted: false,
    reason: undefined,
    addEventListener: (_: 'abort', listener: () => void) => void listeners.add(listener),
    removeEventListener: (_: 'abort', listener: () => void) => void listeners.delete(listener),
  }
  const bench = new Bench()
  const ping = bench.stack.ping(OUR_IP[4], { signal })
  const socket = bench.stack.bindUdp()
  const reading = socket.messages({ signal })[Symbol.asyncIterator]().next()
  expect(listeners.size).toBe(2)
  await bench.clock.advance(0)
  await ping
  socket[Symbol.dispose]()
  await reading
  expect(listeners.size).toBe(0)
})

test('a signal calls it off, before and while', async () => {
  const bench = new Bench()
  const stop = new AbortController()
  const ping = bench.stack.ping(THEIRS.ip[4], { signal: stop.signal })
  stop.abort(new Error('enough'))
  await expect(ping).rejects.toThrow('enough')
  await expect(bench.stack.ping(THEIRS.ip[4], { signal: stop.signal })).rejects.toThrow('enough')
})

test('PINGS_MAX wait at a time', async () => {
  const bench = new Bench()
  await bench.clock.advance(0)
  const waiting = Array.from({ length: PINGS_MAX }, () => bench.stack.ping(THEIRS.ip[4]))
  const details = { what: 'pings', max: PINGS_MAX }
  const tooMany = { code: 'ERR_TOO_MANY', details }
  await expect(bench.stack.ping(THEIRS.ip[4])).rejects.toMatchObject(tooMany)
  bench.stack[Symbol.dispose]()
  for (const result of await Promise.allSettled(waiting)) {
    expect(result).toMatchObject({ reason: { code: 'ERR_CLOSED' } })
  }
})

test.each([
  { bodyBytes: -1 },
  { bodyBytes: 0.5 },
  { timeoutMs: 0 },
  { timeoutMs: Infinity },
])('%o is no way to ping', async (options) => {
  const { stack } = new Bench()
  const invalid = { code: 'ERR_INVALID_VALUE' }
  await expect(stack.ping(THEIRS.ip[4], options)).rejects.toMatchObject(invalid)
})

test('a new configuration ends what waits, and counts from then on', async () => {
  const bench = new Bench()
  const lost = expect(bench.stack.ping(THEIRS.ip[4])).rejects.toMatchObject({
    code: 'ERR_UNREACHABLE',
  })
  const addresses = [parseInterfaceAddress('10.0.1.7/24')]
  bench.stack.configure({ ...THEIR_CONFIG, addresses, gateways: [] })
  await lost
  expect(bench.stack.addresses).toEqual(addresses)
  bench.take()
  void bench.stack.ping(THEIRS.ip[4]).catch(() => undefined)
  expect(bench.take().map((lines) => lines.at(-1))).toEqual([
    'arp request who has 10.0.1.3 tell 10.0.1.7',
  ])
})

test('an answer that is larger than the MTU is not sent', async () => {
  const bench = new Bench({ mtuBytes: 1280 })
  const body = new Uint8Array(1253)
  await bench.give(
    echoFrame(toUs(4), { kind: 'echo-request', identifier: 1, sequence: 1, body }),
  )
  expect(bench.unsent('too-long')).toBe(1)
})

test('without a way back there is no answer; without a cable there is none either', async () => {
  const bench = new Bench({ gateways: [] })
  const echo = { kind: 'echo-request', identifier: 1, sequence: 1, body: new Uint8Array() } as const
  await bench.give(echoFrame({ ...toUs(4), source: parseIp('192.0.2.1') }, echo))
  expect(bench.unsent('no-route')).toBe(1)
  bench.stack.connect(null)
  await bench.give(echoFrame(toUs(4), echo))
  expect(bench.unsent('no-cable')).toBe(1)
})
