import { describe, expect, test } from 'vitest'
import { parseIp, type DatagramSocket, type SocketAddress, type Underlay } from '../src/index.ts'
import {
  createSimWorld,
  EPHEMERAL_PORT_MIN,
  perfectLink,
  TRANSCRIPT_LINES_MAX,
  type Crossing,
  type LinkSettings,
  type SimWorld,
} from '../src/testing/index.ts'

const always = { numerator: 1, denominator: 1 }
const address = (ip: string, port = 4789): SocketAddress => ({ ip: parseIp(ip), port })

interface Pair {
  readonly world: SimWorld
  readonly heard: string[]
  readonly a: DatagramSocket
  say(text: string): void
}

const text = (bytes: Uint8Array): string => String.fromCharCode(...bytes)
const bytes = (message: string): Uint8Array => Uint8Array.from(message, (c) => c.charCodeAt(0))

async function pair(link: Partial<LinkSettings> = {}): Promise<Pair> {
  const world = createSimWorld('pair', { link: { ...perfectLink, ...link } })
  const heard: string[] = []
  const a = await world.node('a', ['10.0.0.1']).underlay.bind(address('10.0.0.1'), () => undefined)
  await world.node('b', ['10.0.0.2']).underlay.bind(address('10.0.0.2'), (got, from) => {
    heard.push(`${world.clock.now()} ${text(got)} from ${from.ip}:${from.port}`)
  })
  return { world, heard, a, say: (message) => a.send(bytes(message), address('10.0.0.2')) }
}

describe('a datagram', () => {
  test('arrives after the delay of its link, from the address of its socket', async () => {
    const { world, heard, say } = await pair({ delayMs: 7 })
    say('hello')
    await world.clock.advance(6)
    expect(heard).toEqual([])
    expect(world.network.counters()).toMatchObject({ sent: 1, inFlight: 1, delivered: 0 })
    await world.clock.advance(1)
    expect(heard).toEqual(['7 hello from 10.0.0.1:4789'])
  })

  test('is copied on the way in and on the way out', async () => {
    const { world, heard, a } = await pair()
    const seen: Crossing[] = []
    world.network.capture((crossing) => void seen.push(crossing))
    const message = bytes('clean')
    a.send(message, address('10.0.0.2'))
    message.fill(0)
    seen[0]?.bytes.fill(0)
    await world.clock.advance(5)
    expect(heard).toEqual(['1 clean from 10.0.0.1:4789'])
  })

  test('twice on a duplicating link', async () => {
    const { world, heard, say } = await pair({ duplication: always })
    say('echo')
    await world.clock.advance(5)
    expect(heard).toHaveLength(2)
    expect(world.network.counters()).toMatchObject({ sent: 1, duplicated: 1, delivered: 2 })
  })

  test('keeps its place under jitter, and loses it where reordering is drawn', async () => {
    const steady = await pair({ jitterMs: 50 })
    for (let i = 0; i < 20; i++) steady.say(String(i))
    await steady.world.clock.advance(100)
    const order = steady.heard.map((line) => Number(line.split(' ')[1]))
    expect(order).toEqual(Array.from({ length: 20 }, (_, i) => i))

    const mixed = await pair({ reordering: { numerator: 1, denominator: 3 }, reorderingMs: 10 })
    for (let i = 0; i < 20; i++) mixed.say(String(i))
    await mixed.world.clock.advance(100)
    const shuffled = mixed.heard.map((line) => Number(line.split(' ')[1]))
    expect(shuffled).not.toEqual(order)
    expect([...shuffled].sort((x, y) => x - y)).toEqual(order)
  })

  test('to its own host goes through no link', async () => {
    const { world, a } = await pair({ loss: always })
    const own: string[] = []
    const host = world.node('c', ['10.0.0.3']).underlay
    const socket = await host.bind(address('10.0.0.3'), (got) => void own.push(text(got)))
    socket.send(bytes('me'), socket.local)
    expect(own).toEqual([])
    await world.clock.advance(0)
    expect(own).toEqual(['me'])
    expect(a.local).toEqual(address('10.0.0.1'))
  })
})

describe('a datagram is lost, and the reason counted', () => {
  async function lossOf(p: Pair): Promise<Record<string, number>> {
    await p.world.clock.advance(100)
    const { lost } = p.world.network.counters()
    return Object.fromEntries(Object.entries(lost).filter(([, count]) => count > 0))
  }

  test('by chance', async () => {
    const p = await pair({ loss: always })
    p.say('x')
    expect(await lossOf(p)).toEqual({ chance: 1 })
    expect(p.heard).toEqual([])
  })

  test('on a cut link, one way or both, also on its way; healing ends that', async () => {
    const p = await pair({ delayMs: 10 })
    p.say('under way')
    await p.world.clock.advance(5)
    p.world.network.link('a', 'b').cut()
    p.say('too late')
    expect(await lossOf(p)).toEqual({ cut: 2 })
    expect(p.world.network.link('b', 'a').isCut).toBe(false)
    p.world.network.between('a', 'b').cut()
    expect(p.world.network.link('b', 'a').isCut).toBe(true)
    p.world.network.between('a', 'b').heal()
    p.say('back')
    await p.world.clock.advance(10)
    expect(p.heard).toHaveLength(1)
  })

  test('beyond the MTU to the byte: reported, or swallowed by a black hole', async () => {
    const p = await pair({ mtuBytes: 1500 })
    p.a.send(new Uint8Array(1472), address('10.0.0.2'))
    p.a.send(new Uint8Array(1473), address('10.0.0.2'))
    expect(await lossOf(p)).toEqual({ 'fragmentation-needed': 1 })
    expect(p.heard).toHaveLength(1)
    p.world.network.link('a', 'b').configure({ oversize: 'drop' })
    p.a.send(new Uint8Array(1473), address('10.0.0.2'))
    expect(await lossOf(p)).toEqual({ 'fragmentation-needed': 1, oversized: 1 })
  })

  test('beyond the MTU counts the longer header of IPv6', async () => {
    const world = createSimWorld('six')
    const a = await world.node('a', ['fd00::1']).underlay.bind(address('fd00::1'), () => {})
    await world.node('b', ['fd00::2']).underlay.bind(address('fd00::2'), () => undefined)
    a.send(new Uint8Array(1452), address('fd00::2'))
    a.send(new Uint8Array(1453), address('fd00::2'))
    await world.clock.advance(5)
    expect(world.network.counters()).toMatchObject({
      delivered: 1,
      lost: { 'fragmentation-needed': 1 },
    })
  })

  test('beyond the queue', async () => {
    const p = await pair({ queueLengthMax: 3 })
    for (let i = 0; i < 5; i++) p.say(String(i))
    expect(await lossOf(p)).toEqual({ 'queue-full': 2 })
    p.say('room again')
    await p.world.clock.advance(5)
    expect(p.heard).toHaveLength(4)
  })

  test('where there is no host, no socket, no route or no family for it', async () => {
    const p = await pair()
    p.a.send(bytes('x'), address('10.9.9.9'))
    p.a.send(bytes('x'), address('10.0.0.2', 9))
    p.a.send(bytes('x'), address('fd00::2'))
    expect(await lossOf(p)).toEqual({ 'no-host': 1, 'no-socket': 1, unreachable: 1 })

    const world = createSimWorld('routed', { routes: (_from, to) => to !== '10.0.0.2' })
    const a = await world.node('a', ['10.0.0.1']).underlay.bind(address('10.0.0.1'), () => {})
    await world.node('b', ['10.0.0.2']).underlay.bind(address('10.0.0.2'), () => undefined)
    a.send(bytes('x'), address('10.0.0.2'))
    expect(world.network.link('a', 'b').counters().lost.unreachable).toBe(1)
  })
})

describe('a simulated host', () => {
  const open = (underlay: Underlay, ip: string, port = 4789): Promise<DatagramSocket> =>
    underlay.bind(address(ip, port), () => undefined)

  test('binds only addresses of its own, each port once', async () => {
    const { underlay } = createSimWorld(1).node('a', ['10.0.0.1', '10.0.0.5', 'fd00::1'])
    await expect(open(underlay, '10.0.0.2')).rejects.toMatchObject({
      code: 'ERR_ADDRESS_NOT_LOCAL',
      details: { address: '10.0.0.2:4789' },
    })
    const first = await open(underlay, '10.0.0.1')
    const inUse = { code: 'ERR_ADDRESS_IN_USE' }
    await expect(open(underlay, '10.0.0.1')).rejects.toMatchObject(inUse)
    await expect(open(underlay, '0.0.0.0')).rejects.toMatchObject(inUse)
    await open(underlay, '10.0.0.5')
    await open(underlay, '::')
    await expect(open(underlay, 'fd00::1')).rejects.toMatchObject(inUse)
    await first.close()
    await open(underlay, '10.0.0.1')
  })

  test('picks free ports for port 0', async () => {
    const { underlay } = createSimWorld(1).node('a', ['10.0.0.1'])
    await open(underlay, '10.0.0.1', EPHEMERAL_PORT_MIN + 1)
    const ports = [await open(underlay, '10.0.0.1', 0), await open(underlay, '10.0.0.1', 0)]
    expect(ports.map((s) => s.local.port)).toEqual([EPHEMERAL_PORT_MIN, EPHEMERAL_PORT_MIN + 2])
  })

  test('answers from an address of the right family when bound to all', async () => {
    const world = createSimWorld(1)
    const heard: string[] = []
    const a = await world.node('a', ['fd00::1', '10.0.0.1']).underlay.bind(
      address('0.0.0.0'),
      (got, from) => void heard.push(`${text(got)} ${from.ip}`),
    )
    const b = await world.node('b', ['10.0.0.2']).underlay.bind(address('10.0.0.2'), (_, from) => {
      b.send(bytes('pong'), from)
    })
    a.send(bytes('ping'), b.local)
    await world.clock.advance(10)
    expect(heard).toEqual(['pong 10.0.0.2'])
  })

  test('that crashes hears and says nothing, and can bind again', async () => {
    const world = createSimWorld(1)
    const a = await open(world.node('a', ['10.0.0.1']).underlay, '10.0.0.1')
    const b = world.node('b', ['10.0.0.2']).underlay
    const before = await open(b, '10.0.0.2')
    a.send(bytes('x'), before.local)
    b.crash()
    before.send(bytes('x'), a.local)
    await world.clock.advance(5)
    expect(world.network.counters()).toMatchObject({ sent: 1, lost: { 'no-socket': 1 } })
    const after = await open(b, '10.0.0.2')
    await before.close()
    a.send(bytes('x'), after.local)
    await world.clock.advance(5)
    expect(world.network.counters()).toMatchObject({ delivered: 1 })
  })

  test('a name or an address given twice is a bug in the test', () => {
    const world = createSimWorld(1)
    world.node('a', ['10.0.0.1'])
    expect(() => world.node('a', ['10.0.0.2'])).toThrow('bug')
    expect(() => world.node('b', ['10.0.0.1'])).toThrow('bug')
    expect(() => world.network.link('a', 'z')).toThrow('bug')
  })
})

test('a transcript carries time, node, level, fields and what crossed the links', async () => {
  const { world, say } = await pair()
  world.transcript.logger('b').child({ part: 'gossip' }).warn('peer suspected', {
    peer: 'node two',
    incarnation: 3,
    since: 1n,
  })
  say('x')
  await world.clock.advance(1)
  expect(world.transcript.toString()).toMatchInlineSnapshot(`
    "       0.000 b warn  peer suspected part=gossip peer="node two" incarnation=3 since=1
           0.000 a>b send 10.0.0.1:4789 10.0.0.2:4789 1B fd0c5087
           1.000 a>b deliver 10.0.0.1:4789 10.0.0.2:4789 1B fd0c5087"
  `)
  expect(world.transcript.lines('b')).toHaveLength(1)
  expect(TRANSCRIPT_LINES_MAX).toBe(1_000_000)
})
