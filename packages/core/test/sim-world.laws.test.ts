import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { instantAfter, parseIp, setU16, u16, type SocketAddress } from '../src/index.ts'
import { createSimWorld, roughLink, type SimRuntime, type SimWorld } from '../src/testing/index.ts'

const names = ['n1', 'n2', 'n3', 'n4', 'n5'] as const
const socketOf = (name: string): SocketAddress => ({
  ip: parseIp(`10.0.0.${name.slice(1)}`),
  port: 7946,
})

/** Every node sends a numbered datagram to a peer of its choice every 100 ms, and answers some. */
async function chatter(node: SimRuntime, self: string, peers: readonly string[]): Promise<void> {
  const { clock, random, log, underlay } = node
  const socket = await underlay.bind(socketOf(self), (bytes, from) => {
    void (async () => {
      // Async handlers are where interleavings hide.
      for (let i = random.below(4); i > 0; i--) await Promise.resolve()
      log.info('heard', { number: u16(bytes, 0), from: from.ip })
      if (random.below(2) === 0) socket.send(bytes, from)
    })()
  })
  let number = 0
  const tick = (): void => {
    const bytes = new Uint8Array(2 + random.below(20))
    setU16(bytes, 0, number++)
    socket.send(bytes, socketOf(peers[random.below(peers.length)] ?? self))
    clock.schedule(instantAfter(clock.now(), 100), tick)
  }
  clock.schedule(instantAfter(clock.now(), 100), tick)
}

async function run(seed: string, extra: readonly string[] = []): Promise<SimWorld> {
  const world = createSimWorld(seed, { link: roughLink })
  // The extra nodes come first, to have every chance of disturbing the others.
  for (const name of extra) await chatter(world.node(name, [socketOf(name).ip]), name, extra)
  for (const name of names) {
    const peers = names.filter((peer) => peer !== name)
    await chatter(world.node(name, [socketOf(name).ip]), name, peers)
  }
  await world.clock.advance(3000)
  return world
}

describe('a simulated world', () => {
  test('is the same again from the same seed', async () => {
    const first = (await run('1234')).transcript.toString()
    expect(first.split('\n').length).toBeGreaterThan(300)
    expect((await run('1234')).transcript.toString()).toBe(first)
  })

  test('is another from another seed', async () => {
    const first = (await run('1234')).transcript.toString()
    expect((await run('1235')).transcript.toString()).not.toBe(first)
  })

  test('an unrelated chattering node changes no line of the other nodes and links', async () => {
    const quiet = await run('1234')
    const busy = await run('1234', ['n8', 'n9'])
    expect(busy.transcript.lines('n8>n9').length).toBeGreaterThan(10)
    for (const a of names) {
      expect(busy.transcript.lines(a)).toEqual(quiet.transcript.lines(a))
      for (const b of names) {
        const link = `${a}>${b}`
        expect(busy.transcript.lines(link)).toEqual(quiet.transcript.lines(link))
      }
    }
  })

  test('loses no datagram without counting it, whatever is cut and healed', async () => {
    const cuts = fc.array(fc.tuple(fc.constantFrom(...names), fc.constantFrom(...names)))
    await fc.assert(
      fc.asyncProperty(fc.string(), cuts, async (seed, toggled) => {
        const world = await run(seed)
        for (const [a, b] of toggled) {
          const link = world.network.link(a, b)
          if (link.isCut) link.heal()
          else link.cut()
          await world.clock.advance(50)
          const { sent, duplicated, delivered, inFlight, lost } = world.network.counters()
          const gone = Object.values(lost).reduce((sum, count) => sum + count, 0)
          expect(sent + duplicated).toBe(delivered + gone + inFlight)
          expect(inFlight).toBeGreaterThanOrEqual(0)
        }
      }),
      { numRuns: 10 },
    )
  })
})
