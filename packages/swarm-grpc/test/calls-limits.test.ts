/** Calls at once and their headers: what a client that keeps to no limit comes to. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  CALLS_PER_CONNECTION_MAX,
  CALLS_PER_STRANGER_MAX,
  HEADER_BYTES_MAX,
  HEADERS_MAX,
} from '../src/index.ts'
import { ManagerWorld } from './manager-world.ts'
import { RawHttp2 } from './raw-http2.ts'

const ROOT = '/docker.swarmkit.v1.CA/GetRootCACertificate'
const NOTHING = '/docker.swarmkit.v1.CA/Nothing'
const REFUSED_STREAM = 7

let world: ManagerWorld
let raw: RawHttp2 | null = null
beforeEach(async () => (world = await ManagerWorld.open()))
afterEach(async () => {
  raw?.close()
  await world[Symbol.asyncDispose]()
})

async function open(who: 'node' | 'stranger', acknowledges = true): Promise<RawHttp2> {
  const { certificatePem: cert, keyPem: key } = world.worker
  const identity = who === 'node' ? { cert, key } : {}
  raw = await RawHttp2.open(world.server.local.port, { ...identity, acknowledges })
  return raw
}

describe('calls at once', () => {
  it.each([
    ['stranger', CALLS_PER_STRANGER_MAX],
    ['node', CALLS_PER_CONNECTION_MAX],
  ] as const)('of a %s are %i; one more ends the connection', async (who, most) => {
    const client = await open(who)
    for (let i = 0; i < most; i++) client.call(2 * i + 1, ROOT)
    await client.read()
    expect(client.answers).toMatchObject({ isOver: false, reset: new Map() })
    client.call(2 * most + 1, ROOT)
    await client.read()
    expect(client.answers.isOver).toBe(true)
  })

  it('are refused to a client that pretends not to have heard how many', async () => {
    const client = await open('stranger', false)
    for (let i = 0; i < 2 * CALLS_PER_STRANGER_MAX; i++) client.call(2 * i + 1, ROOT)
    await client.read()
    const refused = [...client.answers.reset.values()]
    expect(refused).toEqual(Array.from({ length: CALLS_PER_STRANGER_MAX }, () => REFUSED_STREAM))
  })
})

describe('headers of a call', () => {
  // Five lines of every call: method, scheme, path, authority, content type.
  const OWN_LINES = 5

  it(`are ${HEADERS_MAX} lines at most`, async () => {
    const client = await open('node')
    const lines = (count: number): Record<string, string> =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`x-${i}`, 'y']))
    client.call(1, NOTHING, lines(HEADERS_MAX - OWN_LINES))
    client.call(3, NOTHING, lines(HEADERS_MAX - OWN_LINES + 1))
    await client.until(({ answered, reset }) => answered.size + reset.size === 2)
    expect([...client.answers.answered]).toEqual([1])
  })

  it(`are ${HEADER_BYTES_MAX} bytes at most`, async () => {
    const client = await open('node')
    const own = [
      [':method', 'POST'],
      [':scheme', 'https'],
      [':path', NOTHING],
      [':authority', 'manager'],
      ['content-type', 'application/grpc'],
      ['x', ''],
    ]
    const taken = own.reduce((sum, [name = '', value = '']) => {
      return sum + name.length + value.length + 32
    }, 0)
    const room = HEADER_BYTES_MAX - taken
    client.call(1, NOTHING, { x: 'y'.repeat(room) })
    client.call(3, NOTHING, { x: 'y'.repeat(room + 1) })
    await client.until(({ answered, reset }) => answered.size + reset.size === 2)
    expect([...client.answers.answered]).toEqual([1])
  })
})
