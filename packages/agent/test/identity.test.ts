/** Becoming a node and staying one: tokens, roots, certificates, clocks (docker-wire §7.5). */
import { create } from '@bufbuild/protobuf'
import { silentLogger, utf8Bytes } from '@weft/core'
import { SeededRandom, VirtualClock } from '@weft/core/testing'
import {
  caDigest,
  formatJoinToken,
  GetRootCACertificateResponseSchema,
  IssueNodeCertificateResponseSchema,
  IssuanceState,
  NodeAvailability,
  NodeCertificateStatusResponseSchema,
  swarmError,
  type CertificateFacts,
  type IssueNodeCertificateRequest,
  type ManagerServices,
  type NodeIdentity,
} from '@weft/swarm'
import { describe, expect, test } from 'vitest'
import { CancelSource } from '../src/async/cancel-source.ts'
import { CERTIFICATE_BYTES_MAX } from '../src/identity/issue-certificate.ts'
import { JOIN_ROUNDS_MAX } from '../src/identity/request-identity.ts'
import { requestIdentity } from '../src/index.ts'
import { ClusterWorld, MANAGER } from './cluster-world.ts'
import { ManagerWeb } from './direct-dialer.ts'
import { PaperCertificates } from './paper-certificates.ts'
import { ScriptedServices } from './scripted-services.ts'

const ROOT = 'root 1\n'

/** A manager that gives certificates, as the test says. */
class Issuer extends ScriptedServices {
  root: Uint8Array = utf8Bytes(ROOT)
  state: IssuanceState = IssuanceState.ISSUED
  err = ''
  facts: Partial<CertificateFacts> = {}
  nodeId = 'node1'
  refuse: Error | null = null
  /** Answers that are about another request, first. */
  stale = 0
  padding = ''
  #csr: Uint8Array = new Uint8Array(0)
  readonly #clock: VirtualClock

  constructor(clock: VirtualClock) {
    super(() => clock.now(), MANAGER)
    this.#clock = clock
  }

  /** From here on as a manager of the node's own cluster. */
  speakFor(identity: NodeIdentity | undefined): void {
    const { rootPem = '', nodeId = '', clusterId = '' } = identity ?? {}
    this.root = utf8Bytes(rootPem)
    this.nodeId = nodeId
    this.facts = { nodeId, clusterId, ...{ rootPem } }
  }

  override async getRootCertificate(): ReturnType<ManagerServices['getRootCertificate']> {
    return create(GetRootCACertificateResponseSchema, { certificate: this.root })
  }

  override async issueNodeCertificate(
    request: IssueNodeCertificateRequest,
  ): ReturnType<ManagerServices['issueNodeCertificate']> {
    if (this.refuse !== null) throw this.refuse
    this.#csr = request.csr
    return create(IssueNodeCertificateResponseSchema, { nodeId: this.nodeId })
  }

  override async nodeCertificateStatus(): ReturnType<ManagerServices['nodeCertificateStatus']> {
    const csr = this.stale-- > 0 ? utf8Bytes('another') : this.#csr
    const wall = this.#clock.wall()
    const hour = 3_600_000
    const facts = {
      ...{ nodeId: 'node1', clusterId: 'c', role: 'worker', rootPem: ROOT },
      ...{ notBefore: wall - hour, notAfter: wall + 90 * 24 * hour },
      ...this.facts,
    }
    const certificate = utf8Bytes(JSON.stringify(facts) + this.padding)
    const status = { state: this.state, err: this.err }
    const answer = { status, certificate: { csr, certificate } }
    return create(NodeCertificateStatusResponseSchema, answer)
  }
}

/** A session message whose node is to have another role. */
function wishing(issuer: Issuer, desiredRole: 0 | 1): ReturnType<Issuer['message']> {
  const message = issuer.message([MANAGER])
  if (message.node?.spec !== undefined) message.node.spec.desiredRole = desiredRole
  return message
}

/** A machine that asks. */
class JoinBench {
  readonly clock = new VirtualClock()
  readonly web = new ManagerWeb()
  readonly certificates = new PaperCertificates()
  readonly issuer = new Issuer(this.clock)
  readonly digest = caDigest(this.certificates.sha256(utf8Bytes(ROOT)))
  readonly token = formatJoinToken({
    version: 1,
    fips: false,
    digest: this.digest,
    secret: '0'.repeat(25),
  })

  constructor() {
    this.web.services.set(MANAGER, this.issuer)
  }

  async ask(
    more: Partial<Parameters<typeof requestIdentity>[0]> = {},
  ): Promise<Awaited<ReturnType<typeof requestIdentity>>> {
    const { certificates, clock, token } = this
    const random = new SeededRandom(1)
    const availability = NodeAvailability.ACTIVE
    const work = requestIdentity(
      { addresses: [MANAGER], token, availability, ...more },
      { certificates, clock, random, log: silentLogger, dialer: this.web.dialer('192.0.2.9') },
    )
    let isOver = false
    const over = (): void => void (isOver = true)
    void work.then(over, over)
    await clock.advanceUntil(() => isOver, 600_000)
    return work
  }
}

describe('a machine that asks to be let in', () => {
  test('gets an identity, and learns its own address', async () => {
    const bench = new JoinBench()
    const granted = await bench.ask()
    expect(granted).toMatchObject({
      manager: MANAGER,
      localIp: '192.0.2.9',
      identity: { nodeId: 'node1', clusterId: 'c', role: 'worker', rootPem: ROOT },
    })
    expect(bench.clock.now()).toBe(0)
  })

  test('asks for a root that the token names, and says which one it expected', async () => {
    const bench = new JoinBench()
    bench.issuer.root = utf8Bytes('another root\n')
    const sha256 = Buffer.from(bench.certificates.sha256(utf8Bytes(ROOT))).toString('hex')
    await expect(bench.ask()).rejects.toMatchObject({
      code: 'ERR_UNTRUSTED',
      message: `remote CA does not match fingerprint. Expected: ${sha256}`,
    })
    expect(bench.web.count('getRootCertificate')).toBe(1)
    bench.issuer.root = new Uint8Array(CERTIFICATE_BYTES_MAX + 1)
    await expect(bench.ask()).rejects.toMatchObject({ code: 'ERR_UNTRUSTED' })
  })

  test('asks every manager in turn, JOIN_ROUNDS_MAX times, 2 s apart', async () => {
    const bench = new JoinBench()
    bench.web.services.clear()
    await expect(bench.ask()).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' })
    expect(bench.clock.now()).toBe(2000 * (JOIN_ROUNDS_MAX - 1))
    bench.web.services.set(MANAGER, bench.issuer)
    expect((await bench.ask({ addresses: ['192.0.2.8:2377', MANAGER] })).manager).toBe(MANAGER)
  })

  test('takes no for an answer', async () => {
    const bench = new JoinBench()
    const text = 'A valid join token is necessary to join this cluster'
    bench.issuer.refuse = swarmError('ERR_INVALID_ARGUMENT', text, { subject: 'token' })
    await expect(bench.ask()).rejects.toThrow(text)
    expect(bench.web.count('issueNodeCertificate')).toBe(1)
    await expect(bench.ask({ token: 'SWMTKN-9' })).rejects.toThrow('invalid join token')
    await expect(bench.ask({ addresses: [] })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
    })
  })

  test('says that clocks differ', async () => {
    const bench = new JoinBench()
    bench.issuer.facts = { notBefore: bench.clock.wall() + 7_200_000 }
    await expect(bench.ask()).rejects.toThrow(/not yet valid: it begins 7200 s from now.*clocks/)
    bench.issuer.facts = { notAfter: bench.clock.wall() - 1000 }
    await expect(bench.ask()).rejects.toThrow(/expired 1 s ago, or the clock is wrong/)
  })

  test('waits over certificates for other requests, and takes none of another node', async () => {
    const bench = new JoinBench()
    bench.issuer.stale = 3
    expect((await bench.ask()).identity.nodeId).toBe('node1')
    expect(bench.web.count('nodeCertificateStatus')).toBe(4)
    bench.issuer.facts = { nodeId: 'somebody' }
    await expect(bench.ask()).rejects.toMatchObject({ code: 'ERR_UNTRUSTED' })
    bench.issuer.facts = {}
    bench.issuer.padding = ' '.repeat(CERTIFICATE_BYTES_MAX)
    await expect(bench.ask()).rejects.toThrow('the certificate is too long')
    bench.issuer.state = IssuanceState.FAILED
    bench.issuer.err = 'failed to sign node certificate'
    await expect(bench.ask()).rejects.toThrow('failed to sign node certificate')
  })

  test('can be called off', async () => {
    const bench = new JoinBench()
    bench.web.services.clear()
    const signal = new CancelSource()
    bench.clock.schedule(3000 as never, () => signal.cancel(new Error('no more')))
    await expect(bench.ask({ signal })).rejects.toThrow('no more')
    expect(bench.clock.now()).toBe(3000)
  })
})

const HOUR_MS = 3_600_000

describe('a node', () => {
  async function joined(validityMs: number): Promise<{
    world: ClusterWorld
    identities: NodeIdentity[]
  }> {
    const world = await ClusterWorld.open(0)
    const { control } = world.manager
    const { version } = control.cluster().meta ?? {}
    const settings = { nodeCertificateValidityMs: validityMs }
    await world.settled(control.updateCluster(version?.index ?? 0n, settings))
    await world.addNode()
    const identities: NodeIdentity[] = []
    world.nodes[0]?.agent.events.on('identity', ({ identity }) => identities.push(identity))
    return { world, identities }
  }

  test('renews between half and four fifths of its certificate, and goes on with it', async () => {
    // An hour was backdated: a half of two hours is over at once, four fifths 36 minutes later.
    const { world, identities } = await joined(HOUR_MS)
    const [a] = world.nodes
    await world.until(() => identities.length > 0, 0.6 * HOUR_MS + 60_000)
    expect(a?.agent.identity()).toEqual(identities[0])
    expect(a?.identity).toEqual(identities[0])
    await world.run(1000)
    expect(a?.agent.view()).toMatchObject({ connected: true, error: '' })
    await world.until(() => identities.length > 1, 0.6 * HOUR_MS + 60_000)
    const [first, second] = identities
    expect(second?.certificatePem).not.toBe(first?.certificatePem)
    expect(second?.nodeId).toBe(first?.nodeId)
  }, 60_000)

  test('whose certificate has run out says so, and goes on forwarding', async () => {
    const { world } = await joined(HOUR_MS)
    const [a] = world.nodes
    await world.createNetwork('blue')
    await a?.attach('blue', 'c1')
    await world.stopManager()
    world.web.passes = () => false
    world.web.cut()
    await world.run(1.1 * HOUR_MS)
    expect(a?.agent.view().error).toMatch(/^certificate has expired/)
    expect(a?.desired.networks.size).toBe(1)
  }, 60_000)

  test('takes on another role when a manager wants it to', async () => {
    const { world, identities } = await joined(24 * HOUR_MS)
    const [a] = world.nodes
    const issuer = new Issuer(world.sim.clock)
    issuer.speakFor(a?.agent.identity())
    issuer.facts = { ...issuer.facts, role: 'manager' }
    issuer.first = () => wishing(issuer, 1)
    await world.stopManager()
    world.web.services.set(MANAGER, issuer)
    await world.run(30_000)
    expect(identities.map(({ role }) => role)).toEqual(['manager'])
    expect(a?.agent.view()).toMatchObject({ role: 'manager', connected: true })
  }, 60_000)

  /** A node whose manager says from now on what the test says. */
  async function misled(): Promise<{
    readonly world: ClusterWorld
    readonly node: ClusterWorld['nodes'][number]
    readonly issuer: Issuer
    readonly identities: readonly NodeIdentity[]
  }> {
    const { world, identities } = await joined(24 * HOUR_MS)
    const [node] = world.nodes
    if (node === undefined) throw new Error('it has joined')
    const issuer = new Issuer(world.sim.clock)
    issuer.speakFor(node.agent.identity())
    await world.stopManager()
    world.web.services.set(MANAGER, issuer)
    return { world, node, issuer, identities }
  }

  test('stays the node that it is, whatever a certificate says', async () => {
    const { world, node, issuer, identities } = await misled()
    const before = node.agent.identity()
    issuer.first = () => wishing(issuer, 1)
    issuer.facts = { ...issuer.facts, role: 'manager', clusterId: 'another' }
    await world.run(30_000)
    issuer.facts = { ...issuer.facts, clusterId: before.clusterId, nodeId: 'somebody' }
    issuer.nodeId = 'somebody'
    await world.run(90_000)
    expect(world.web.count('issueNodeCertificate')).toBeGreaterThan(3)
    expect(node.agent.identity()).toEqual(before)
    expect(identities).toEqual([])
    expect(node.logs.join()).toContain('the certificate makes another node of us')
  })

  test('goes on with the identity it has when the new one cannot be written down', async () => {
    const { world, node, issuer, identities } = await misled()
    const before = node.agent.identity()
    node.isIdentityFileFull = true
    issuer.first = () => wishing(issuer, 1)
    issuer.facts = { ...issuer.facts, role: 'manager' }
    await world.run(30_000)
    expect(node.agent.identity()).toEqual(before)
    expect(node.agent.view().connected).toBe(true)
    node.isIdentityFileFull = false
    await world.run(90_000)
    expect(identities.map(({ role }) => role)).toEqual(['manager'])
    expect(node.identity).toEqual(identities[0])
  })

  test('takes another root from a manager that it trusts, if it is one', async () => {
    const { world, node, issuer, identities } = await misled()
    const { rootPem } = node.agent.identity()
    const tell = (text: string): void => {
      issuer.first = () => ({ ...issuer.message([MANAGER]), rootCa: utf8Bytes(text) })
      issuer.say({ ...issuer.message([MANAGER]), rootCa: utf8Bytes(text) })
    }
    for (const bad of ['nonsense', `root ${'x'.repeat(CERTIFICATE_BYTES_MAX)}`]) {
      tell(bad)
      await world.run(10_000)
      expect(node.agent.identity().rootPem).toBe(rootPem)
      expect(node.agent.view().connected).toBe(true)
    }
    expect(identities).toEqual([])
    const another = 'root another\n'
    issuer.facts = { ...issuer.facts, ...{ rootPem: another } }
    tell(another)
    await world.run(10_000)
    expect(identities.map((one) => one.rootPem)).toEqual([another])
    expect(node.agent.view()).toMatchObject({ connected: true, error: '' })
  })
})
