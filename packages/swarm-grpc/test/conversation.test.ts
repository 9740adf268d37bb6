import { create } from '@bufbuild/protobuf'
import { describeError } from '@weft/core'
import { describe, expect, test } from 'vitest'
import {
  GetRootCACertificateRequestSchema, GetRootCACertificateResponseSchema, HeartbeatRequestSchema, SessionMessageSchema, SessionRequestSchema, HealthCheckRequestSchema, swarmError, HeartbeatResponseSchema,
  durationOf,
} from '@weft/swarm'
import { ManagerWorld } from './manager-world.ts'

test('smoke', async () => {
  const t = performance.now()
  await using world = await ManagerWorld.open({
    getRootCertificate: async (_r, context) => { expect(context.caller).toBe(null); return create(GetRootCACertificateResponseSchema, { certificate: Buffer.from('abc') }) },
    heartbeat: async (_r, context) => { expect(context.caller?.role).toBe('worker'); expect(context.remoteIp).toBe('127.0.0.1'); throw swarmError('ERR_INVALID_ARGUMENT', 'session invalid ü%', { subject: '' }) },
    session: async function* (r, context) { yield create(SessionMessageSchema, { sessionId: 'a' }); yield create(SessionMessageSchema, { sessionId: 'b' }); await new Promise(r => context.signal.addEventListener('abort', () => r(null))) },
  })
  const anon = world.dial({ kind: 'none' })
  const answer = await anon.getRootCertificate(create(GetRootCACertificateRequestSchema))
  expect(Buffer.from(answer.certificate).toString()).toBe('abc')
  expect(await anon.localIp()).toBe('127.0.0.1')
  const refusal = await anon.heartbeat(create(HeartbeatRequestSchema)).catch(describeError)
  expect(refusal).toContain('no client cert')
  const worker = world.dial()
  const e = await worker.heartbeat(create(HeartbeatRequestSchema)).catch(describeError)
  expect(e).toBe('session invalid ü% (subject=heartbeat)')
  const h = await worker.healthCheck(create(HealthCheckRequestSchema)).catch(describeError)
  expect(h).toContain('part of OUs: [swarm-manager]')
  const got = []
  for await (const m of worker.session(create(SessionRequestSchema))) { got.push(m.sessionId); if (got.length === 2) break }
  expect(got).toEqual(['a', 'b'])
})
