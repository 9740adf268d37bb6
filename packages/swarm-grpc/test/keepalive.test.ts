/** A side that falls silent without a word is noticed by the other, in seconds. */
import { create } from '@bufbuild/protobuf'
import { describe, it } from 'vitest'
import { hasCode, instantAfter } from '@weft/core'
import { SessionMessageSchema, SessionRequestSchema } from '@weft/swarm'
import { KEEPALIVE_INTERVAL_MS, PING_INTERVAL_MS, PING_TIMEOUT_MS } from '../src/index.ts'
import { ManagerWorld, newSignal } from './manager-world.ts'
import { Wire } from './wire.ts'

const NOTICED_MS = 3 * KEEPALIVE_INTERVAL_MS
/** What a busy machine may take on top. */
const SLACK_MS = 4000

describe.concurrent('a dead wire', () => {
  it(`is noticed on both sides within ${NOTICED_MS} ms`, async ({ expect }) => {
    const ended = newSignal()
    await using world = await ManagerWorld.open({
      session: async function* (_request, { signal }) {
        signal.addEventListener('abort', () => ended.resolve())
        yield create(SessionMessageSchema, { sessionId: '1' })
        await ended.promise
      },
    })
    await using wire = await Wire.open(world.server.local.port)
    const trust = { kind: 'identity', identity: world.worker } as const
    await using connection = world.dialer.dial(`127.0.0.1:${wire.port}`, trust)
    const stream = connection.session(create(SessionRequestSchema))[Symbol.asyncIterator]()
    await stream.next()
    wire.cut()
    const since = performance.now()
    const nodeHears = stream.next().then(
      () => expect.unreachable(),
      (error: unknown) => {
        expect(hasCode(error, 'ERR_UNAVAILABLE')).toBe(true)
        return performance.now() - since
      },
    )
    const managerHears = ended.promise.then(() => performance.now() - since)
    const [nodeMs, managerMs] = await Promise.all([nodeHears, managerHears])
    expect(nodeMs).toBeLessThan(PING_INTERVAL_MS + PING_TIMEOUT_MS + SLACK_MS)
    expect(managerMs).toBeLessThan(NOTICED_MS + SLACK_MS)
  })
})

describe.concurrent('a silent stream', () => {
  it('is left alone', async ({ expect }) => {
    const go = newSignal()
    await using world = await ManagerWorld.open({
      session: async function* () {
        yield create(SessionMessageSchema, { sessionId: '1' })
        await go.promise
        yield create(SessionMessageSchema, { sessionId: '2' })
      },
    })
    const { clock } = world
    const stream = world.dial().session(create(SessionRequestSchema))[Symbol.asyncIterator]()
    await stream.next()
    // Longer than two questions of the server's and one of the node's.
    const later = instantAfter(clock.now(), 2 * KEEPALIVE_INTERVAL_MS + 2000)
    clock.schedule(later, () => go.resolve())
    expect((await stream.next()).value).toMatchObject({ sessionId: '2' })
  })
})
