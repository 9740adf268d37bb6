/** Which associations a state of affairs asks for, and the order in which they come and go. */
import { parseIp, parseMac, vni } from '@weft/core'
import { FailureLog, type AcceptedState, type TunnelKey } from '@weft/dataplane'
import { NetworkKey } from '@weft/encryption'
import {
  kernelError,
  type XfrmPolicy,
  type XfrmPolicySpec,
  type XfrmState,
  type XfrmStateRef,
  type XfrmStateSpec,
} from '@weft/linux'
import { expect, test } from 'vitest'
import {
  AssociationChange,
  associationsIn,
  planAssociations,
  planFound,
  readAssociations,
  REQID,
  type AssociationPort,
  type MadeStates,
} from '../src/associations.ts'
import { ENCRYPT_MARK } from '../src/guard.ts'
import { stateKey } from '../src/run-states.ts'
import { heldState } from './held-state.ts'

const LOCAL = parseIp('192.0.2.1')
const PEER = parseIp('192.0.2.2')

const key = (tag: number): TunnelKey =>
  new NetworkKey({ lamportTime: BigInt(tag), bytes: new Uint8Array(16).fill(0xa0 + (tag & 7)) })

function state(...tags: readonly number[]): AcceptedState {
  const mac = parseMac('02:42:0a:00:01:03')
  return {
    generation: 1,
    tunnel: { ip: LOCAL, port: 4789 },
    peers: new Map([
      ['b', { tunnel: { ip: PEER, port: 4790 } }],
      ['idle', { tunnel: { ip: parseIp('192.0.2.3'), port: 4789 } }],
    ]),
    networks: new Map([
      [
        'blue',
        {
          encapsulation: 'vxlan-esp',
          mtu: 1424,
          subnets: [{ vni: vni(4096), prefixes: [] }],
          local: new Map(),
          remote: new Map([['c2', { mac, addresses: [parseIp('10.0.1.3')], node: 'b' }]]),
        },
      ],
    ]),
    keys: tags.map(key),
  }
}

/** IPsec in memory: a table each, and what was done to them, in order. */
class MemoryIpsec implements AssociationPort {
  readonly log: string[] = []
  readonly material: string[] = []
  /** Refuse what this is true of. */
  refuses: (ref: XfrmStateRef) => boolean = () => false
  readonly #states = new Map<string, XfrmState>()
  readonly #policies = new Map<string, XfrmPolicy>()

  putState(_: string, spec: XfrmStateSpec): void {
    const attempt = { operation: 'create', object: 'state' }
    if (this.refuses(spec)) throw kernelError(attempt, { errno: 'ENOSYS', diagnostic: 'no' })
    if (this.#states.has(stateKey(spec))) {
      throw kernelError(attempt, { errno: 'EEXIST', diagnostic: 'it is there' })
    }
    this.material.push(Buffer.from(spec.aead.key).toString('hex'))
    this.log.push(`state ${direction(spec)} ${spec.spi.toString(16)}`)
    this.#states.set(stateKey(spec), heldState(spec))
  }

  deleteState(ref: XfrmStateRef): boolean {
    this.log.push(`no state ${direction(ref)} ${ref.spi.toString(16)}`)
    return this.#states.delete(stateKey(ref))
  }

  states(): XfrmState[] {
    return [...this.#states.values()]
  }

  putPolicy(_: string, spec: XfrmPolicySpec): void {
    this.log.push(`policy ${spec.template?.spi?.toString(16)}`)
    this.#policies.set(spec.selector.destination, { ...spec, priority: 0 })
  }

  deletePolicy({ selector }: Pick<XfrmPolicySpec, 'selector'>): boolean {
    this.log.push('no policy')
    return this.#policies.delete(selector.destination)
  }

  policies(): XfrmPolicy[] {
    return [...this.#policies.values()]
  }
}

const direction = ({ source }: XfrmStateRef): string => (source === LOCAL ? 'out' : 'in')

/** Converge, as a pass does; what was done, and what was noted as changed. */
function converge(
  ipsec: MemoryIpsec,
  accepted: AcceptedState,
  made: MadeStates,
): { log: string[]; changed: string[] } {
  ipsec.log.length = 0
  const failures = new FailureLog()
  const change = new AssociationChange(ipsec, planAssociations(accepted), made)
  change.bringUp(failures)
  change.retire()
  expect(failures.list()).toEqual([])
  return { log: [...ipsec.log], changed: [...change.changed] }
}

test('SPIs, salts, marks and reqids are Docker’s (docker-wire §5.3, §5.4)', () => {
  const ipsec = new MemoryIpsec()
  converge(ipsec, state(0x1234), new Map())
  expect(ipsec.log).toEqual(['state in 22b498fe', 'state out 53083122', 'policy 53083122'])
  expect(ipsec.material).toEqual([`${'a4'.repeat(16)}22b498fe`, `${'a4'.repeat(16)}53083122`])
  expect(ipsec.states()).toMatchObject([
    { reqid: 13_681_891, replayWindow: 0, aead: { name: 'rfc4106(gcm(aes))', icvBits: 64 } },
    { reqid: REQID, source: LOCAL, destination: PEER },
  ])
  expect(ipsec.policies()).toMatchObject([
    {
      direction: 'out',
      selector: {
        source: '192.0.2.1/32',
        destination: '192.0.2.2/32',
        protocol: 17,
        destinationPort: 4790,
      },
      mark: { value: ENCRYPT_MARK, mask: 0xffff_ffff },
      template: { source: LOCAL, destination: PEER, reqid: REQID, spi: 0x53083122 },
    },
  ])
})

test('a peer without an endpoint on an encrypted network has no associations', () => {
  expect(planAssociations(state(1)).peers.map(({ node }) => node)).toEqual(['b'])
})

test('keys change in the order that loses nothing: receive, send, retire', () => {
  const ipsec = new MemoryIpsec()
  const made = new Map<string, TunnelKey>()
  converge(ipsec, state(8, 7, 9), made)
  const { changed, log } = converge(ipsec, state(9, 8, 10), made)
  expect(log.map((line) => line.replace(/ [0-9a-f]+$/, ''))).toEqual([
    'state in',
    'state out',
    'policy',
    'no state in',
    'no state out',
  ])
  expect(changed).toEqual(['associations/192.0.2.2'])
  expect(converge(ipsec, state(9, 8, 10), made)).toEqual({ log: [], changed: [] })
})

test('a predecessor’s states are made anew behind a policy that stays', () => {
  const ipsec = new MemoryIpsec()
  converge(ipsec, state(8), new Map())
  const { log } = converge(ipsec, state(8), new Map())
  expect(log.map((line) => line.replace(/ [0-9a-f]+$/, ''))).toEqual([
    'no state in',
    'state in',
    'no state out',
    'state out',
  ])
})

test('what is nobody’s of ours is left alone, and all of ours goes', () => {
  const ipsec = new MemoryIpsec()
  const foreign = { source: PEER, destination: LOCAL, spi: 0x999 }
  const aead = { name: 'rfc4106(gcm(aes))', key: new Uint8Array(20), icvBits: 64 }
  ipsec.putState('create', { ...foreign, reqid: 7, aead, replayWindow: 0 })
  const made = new Map<string, TunnelKey>()
  converge(ipsec, state(8), made)
  converge(ipsec, { ...state(8), networks: new Map() }, made)
  expect(ipsec.states().map(({ spi }) => spi)).toEqual([0x999])
  expect(ipsec.policies()).toEqual([])
  expect(made.size).toBe(0)
})

test('what is read back names keys and never shows them', () => {
  const ipsec = new MemoryIpsec()
  converge(ipsec, state(8, 7, 9), new Map())
  const plan = planAssociations(state(8, 9))
  const [tags] = associationsIn(readAssociations(ipsec), plan).values()
  expect(tags).toEqual({ seals: 8, opens: [8, expect.stringMatching(/^spi 0x/), 9] })
})

test('what a predecessor left is read back by SPIs, as long as anything seals', () => {
  const ipsec = new MemoryIpsec()
  expect(planFound(readAssociations(ipsec))).toBeNull()
  converge(ipsec, state(8, 7), new Map())
  const reading = readAssociations(ipsec)
  const plan = planFound(reading)
  expect(plan?.local).toBe(LOCAL)
  if (plan === null) return
  const found = associationsIn(reading, plan)
  const spi = expect.stringMatching(/^spi 0x/) as unknown
  expect([...found]).toEqual([[PEER, { seals: spi, opens: [spi, spi] }]])
})

test('a peer whose sealing state is refused gets no policy, and is no drift', () => {
  const ipsec = new MemoryIpsec()
  ipsec.refuses = ({ source }) => source === LOCAL
  const failures = new FailureLog()
  const change = new AssociationChange(ipsec, planAssociations(state(8)), new Map())
  change.bringUp(failures)
  expect(failures.list()).toMatchObject([{ item: 'peers/b', error: { code: 'ERR_HOST' } }])
  expect(ipsec.policies()).toEqual([])
  expect([...change.changed]).toEqual([])
})

test('a place that the kernel took for a waiting packet meanwhile is taken over', () => {
  const ipsec = new MemoryIpsec()
  const accepted = state(8)
  const change = new AssociationChange(ipsec, planAssociations(accepted), new Map())
  converge(ipsec, accepted, new Map())
  ipsec.log.length = 0
  const failures = new FailureLog()
  change.bringUp(failures)
  expect(failures.list()).toEqual([])
  expect(ipsec.log).toHaveLength(5)
})

test('an SPI that somebody else has is theirs', () => {
  const ipsec = new MemoryIpsec()
  const plan = planAssociations(state(8))
  const aead = { name: 'rfc4106(gcm(aes))', key: new Uint8Array(20), icvBits: 64 }
  const [wanted] = plan.inbound
  if (wanted === undefined) return
  const { destination, source, spi } = wanted
  ipsec.putState('create', { source, destination, spi, reqid: 7, aead, replayWindow: 0 })
  const failures = new FailureLog()
  new AssociationChange(ipsec, plan, new Map()).bringUp(failures)
  expect(failures.list()).toMatchObject([{ item: 'peers/b', error: { code: 'ERR_HOST' } }])
  expect(ipsec.states()[0]?.reqid).toBe(7)
})

test('a tag that comes back with other bytes is another key', () => {
  const ipsec = new MemoryIpsec()
  const made: MadeStates = new Map()
  const before = state(8)
  converge(ipsec, before, made)
  const bytes = new Uint8Array(16).fill(7)
  const after = { ...before, keys: [new NetworkKey({ lamportTime: 8n, bytes })] }
  const { log, changed } = converge(ipsec, after, made)
  expect(log.filter((line) => line.startsWith('state'))).toHaveLength(2)
  expect(changed).toEqual([`associations/${PEER}`])
  expect(ipsec.material.slice(-2).every((text) => text.startsWith('07'.repeat(16)))).toBe(true)
  expect(converge(ipsec, after, made).log).toEqual([])
})

test('a key that was zeroed meanwhile is not taken for another', () => {
  const ipsec = new MemoryIpsec()
  const made: MadeStates = new Map()
  const before = state(8)
  converge(ipsec, before, made)
  for (const each of before.keys ?? []) if (each instanceof NetworkKey) each.zero()
  expect(converge(ipsec, state(8), made).changed).toEqual([`associations/${PEER}`])
})
