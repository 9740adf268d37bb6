/** Who gets in: tokens, certificates, removal (docker-wire §7.2, §7.5). */
import { create } from '@bufbuild/protobuf'
import { utf8Bytes } from '@weft/core'
import {
  CERTIFICATE_RULES,
  IssuanceState,
  IssueNodeCertificateRequestSchema,
  NodeAvailability,
  NodeCertificateStatusRequestSchema,
  NodeRole,
  NodeState,
  parseJoinToken,
  type CallContext,
  type CertificateFacts,
  type IssueNodeCertificateRequest,
} from '@weft/swarm'
import { beforeEach, expect, test } from 'vitest'
import { Authority, CSR_BYTES_MAX, NODES_MAX } from '../src/authority.ts'
import { nodeObject } from '../src/node-object.ts'
import { Objects } from '../src/objects.ts'
import { ManagerWorld, stranger, text } from './manager-world.ts'

let world: ManagerWorld

beforeEach(async () => {
  world = await ManagerWorld.open()
})

function request(wish: Partial<IssueNodeCertificateRequest> = {}): IssueNodeCertificateRequest {
  const defaults = { csr: utf8Bytes('request x\n'), token: tokenOr(wish.token) }
  return create(IssueNodeCertificateRequestSchema, { ...defaults, ...wish } as never)
}

function tokenOr(token: string | undefined): string {
  return token ?? world.token()
}

const issue = async (
  wish: Partial<IssueNodeCertificateRequest>,
  context: CallContext = stranger(),
): Promise<string> => {
  const { nodeId } = await world.manager.services.issueNodeCertificate(request(wish), context)
  return nodeId
}

const statusOf = (nodeId: string) =>
  world.manager.services.nodeCertificateStatus(
    create(NodeCertificateStatusRequestSchema, { nodeId }),
    stranger(),
  )

test('the root is served as the token names it', async () => {
  const { certificate } = await world.manager.services.getRootCertificate(
    {} as never,
    stranger(),
  )
  expect(text(certificate)).toBe(world.identity.rootPem)
  expect(parseJoinToken(world.token()).digest).toBe(parseJoinToken(world.token('manager')).digest)
  expect(world.token()).not.toBe(world.token('manager'))
})

test('a worker token lets a worker in, with its request echoed byte for byte', async () => {
  const nodeId = await issue({ availability: NodeAvailability.PAUSE })
  const { status, certificate } = await statusOf(nodeId)
  expect(status?.state).toBe(IssuanceState.ISSUED)
  expect(text(certificate?.csr)).toBe('request x\n')
  expect(certificate).toMatchObject({ cn: nodeId, role: NodeRole.WORKER })
  const facts = JSON.parse(text(certificate?.certificate)) as CertificateFacts
  expect(facts).toMatchObject({ nodeId, clusterId: world.identity.clusterId, role: 'worker' })
  expect(facts.notAfter - facts.notBefore).toBe(
    CERTIFICATE_RULES.validityMs + CERTIFICATE_RULES.backdateMs,
  )
  const node = world.manager.control.nodes().find(({ id }) => id === nodeId)
  expect(node?.spec?.availability).toBe(NodeAvailability.PAUSE)
  expect(node?.status?.state).toBe(NodeState.UNKNOWN)
})

test.each([
  ['no token', { token: '' }, 'A valid join token is necessary to join this cluster'],
  ['a wrong token', { token: 'x' }, 'A valid join token is necessary to join this cluster'],
  ['no request', { csr: new Uint8Array(0) }, 'InvalidArgument'],
  ['an unknown availability', { availability: 9 as NodeAvailability }, 'unknown availability: 9'],
])('%s is refused, and makes no node', async (_, wish, message) => {
  await expect(issue(wish)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT', message })
  expect(world.manager.control.nodes()).toHaveLength(1)
})

test('a token that was rotated away lets nobody in; the other one stays', async () => {
  const [old, other] = [world.token(), world.token('manager')]
  const fresh = await world.manager.control.rotateJoinToken('worker')
  expect([world.token(), world.token('manager')]).toEqual([fresh, other])
  await expect(issue({ token: old })).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
  await issue({ token: fresh })
})

test('the manager token is refused with a reason', async () => {
  const joining = issue({ token: world.token('manager') })
  await expect(joining).rejects.toMatchObject({ code: 'ERR_UNIMPLEMENTED' })
  await expect(joining).rejects.toThrow('one manager')
})

test('a request that cannot be signed is reported as the status, as Docker does', async () => {
  const nodeId = await issue({ csr: utf8Bytes('nonsense') })
  const { status } = await statusOf(nodeId)
  expect(status).toMatchObject({
    state: IssuanceState.FAILED,
    err: 'failed to sign node certificate: CSR Decode failed',
  })
  await expect(statusOf('nobody')).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
})

test('a request of CSR_BYTES_MAX is looked at, a larger one refused', async () => {
  const csr = (length: number): Uint8Array => utf8Bytes('request '.padEnd(length, 'x'))
  await issue({ csr: csr(CSR_BYTES_MAX) })
  const refused = issue({ csr: csr(CSR_BYTES_MAX + 1) })
  await expect(refused).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
})

test('a node renews by its own certificate, without a token', async () => {
  const node = await world.ready()
  await world.clock.advance(1_000)
  const again = await issue({ csr: utf8Bytes('request again\n'), token: '' }, node.context)
  expect(again).toBe(node.id)
  const { certificate } = await statusOf(node.id)
  expect(text(certificate?.csr)).toBe('request again\n')
  const facts = JSON.parse(text(certificate?.certificate)) as CertificateFacts
  expect(facts).toMatchObject({ nodeId: node.id, role: 'worker' })
})

test('the validity that is set counts from the next certificate on', async () => {
  const { control } = world.manager
  const version = control.cluster().meta?.version?.index ?? 0n
  const nodeCertificateValidityMs = 2 * CERTIFICATE_RULES.validityMsMin
  await control.updateCluster(version, { nodeCertificateValidityMs })
  const { certificate } = await statusOf(await issue({}))
  const facts = JSON.parse(text(certificate?.certificate)) as CertificateFacts
  expect(facts.notAfter - world.clock.wall()).toBe(nodeCertificateValidityMs)
})

test('a removed node cannot renew', async () => {
  const node = await world.ready()
  await world.manager.control.removeNode(node.id, { force: true })
  const renewal = issue({ token: '' }, node.context)
  await expect(renewal).rejects.toMatchObject({ code: 'ERR_PERMISSION_DENIED' })
  await expect(renewal).rejects.toThrow(`node ${node.id} was removed from swarm`)
})

test('a cluster has NODES_MAX nodes', async () => {
  const { store, clock, identity } = world
  await world.manager.close()
  const { nodeId: owner, clusterId } = identity
  const objects = await Objects.open(store, clock, { owner, clusterId })
  const authority = new Authority(objects, world.ports)
  const cluster = objects.tables.cluster()
  const certificate = objects.tables.get('node', owner)?.certificate
  if (cluster === null || certificate === undefined) throw new Error('no cluster')
  const availability = NodeAvailability.ACTIVE
  await Promise.all(
    Array.from({ length: NODES_MAX - 2 }, (_, i) =>
      objects.transact((draft) => {
        const node = { id: `n${i}`, role: 'worker', availability, certificate } as const
        draft.put('node', nodeObject(cluster, node))
      }),
    ),
  )
  const token = cluster.rootCa?.joinTokens?.worker ?? ''
  await authority.issue(request({ token }), stranger())
  expect(objects.tables.all('node').size).toBe(NODES_MAX)
  const refused = authority.issue(request({ token }), stranger())
  await expect(refused).rejects.toMatchObject({ code: 'ERR_EXHAUSTED' })
})
