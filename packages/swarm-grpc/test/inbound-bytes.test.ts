/** Bytes of requests that one caller may have under way: held by calls, given back with them. */
import { create } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { WeftError } from '@weft/core'
import { HeartbeatRequestSchema, HeartbeatResponseSchema } from '@weft/swarm'
import { InboundBytes, REQUEST_BYTES_PER_CALLER_MAX } from '../src/inbound-bytes.ts'
import { MESSAGE_BYTES_MAX } from '../src/index.ts'
import type { Origin } from '../src/origin.ts'
import { ManagerWorld } from './manager-world.ts'

const at = (remoteIp: string): Origin => ({ peer: { kind: 'stranger' }, remoteIp })

async function* body(...sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (const size of sizes) yield new Uint8Array(size)
}

async function read(bytes: AsyncIterable<Uint8Array>): Promise<number> {
  let sum = 0
  for await (const some of bytes) sum += some.length
  return sum
}

describe('bytes of a caller', () => {
  it(`are ${REQUEST_BYTES_PER_CALLER_MAX} at most, over all its calls`, async () => {
    const inbound = new InboundBytes()
    const first = inbound.meter(body(REQUEST_BYTES_PER_CALLER_MAX - 10, 4), at('a'))
    expect(await read(first.body)).toBe(REQUEST_BYTES_PER_CALLER_MAX - 6)
    expect(await read(inbound.meter(body(3, 3), at('a')).body)).toBe(6)
    await expect(read(inbound.meter(body(1), at('a')).body)).rejects.toThrow('bytes of requests')
    expect(await read(inbound.meter(body(1), at('b')).body)).toBe(1)
    first.end()
    first.end()
    expect(await read(inbound.meter(body(1), at('a')).body)).toBe(1)
  })

  it('are forgotten with its last call, also those that come after its end', async () => {
    const inbound = new InboundBytes()
    const call = inbound.meter(body(5, 5), at('a'))
    const reader = call.body[Symbol.asyncIterator]()
    await reader.next()
    expect(inbound.callers).toBe(1)
    call.end()
    await reader.next()
    expect(inbound.callers).toBe(0)
  })

  it('are refused to a node that has four of the largest under way, and not for long', async () => {
    const gate = Promise.withResolvers<void>()
    let held = 0
    await using world = await ManagerWorld.open({
      heartbeat: async () => {
        held++
        await gate.promise
        return create(HeartbeatResponseSchema)
      },
    })
    const largest = create(HeartbeatRequestSchema, { sessionId: 'x'.repeat(MESSAGE_BYTES_MAX - 5) })
    const worker = world.dial()
    const outcome = (): Promise<string> =>
      worker.heartbeat(largest).then(
        () => 'answered',
        (error: unknown) => (error instanceof WeftError ? error.code : String(error)),
      )
    const four = Array.from({ length: 4 }, outcome)
    while (held < 4) await new Promise((resolve) => setImmediate(resolve))
    expect(await outcome()).toBe('ERR_EXHAUSTED')
    gate.resolve()
    expect(await Promise.all(four)).toEqual(Array.from(four, () => 'answered'))
    for (let i = 0; i < 6; i++) expect(await outcome()).toBe('answered')
  })
})
