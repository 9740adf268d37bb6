/**
 * Security associations with peers as the kernel has them: states and policies with Docker's
 * marks, SPIs and salts (docker-wire §5.2-5.4), so that stock engines can be the other end.
 */
import { addressOf, cidrOf, ipFamily, type InterfaceAddress, type Ip } from '@weft/core'
import {
  itemPath,
  sealedPeers,
  TUNNEL_KEY_BYTES,
  type AcceptedState,
  type AssociationTags,
  type FailureLog,
  type SealedPeer,
  type TunnelKey,
} from '@weft/dataplane'
import { SALT_BYTES, spiOf } from '@weft/encryption'
import {
  isKernelError,
  type Xfrm,
  type XfrmPolicy,
  type XfrmPolicySpec,
  type XfrmState,
  type XfrmStateRef,
} from '@weft/linux'
import { ENCRYPT_MARK } from './guard.ts'
import { isOfRun, PLAIN_MARK, stateKey, WINDOW_PACKETS } from './run-states.ts'

/** Tells our states from others (docker-wire §5.4). */
export const REQID = 13_681_891
/** AES-128-GCM as the kernel calls it, with a tag of 64 bits. */
const AEAD = { name: 'rfc4106(gcm(aes))', icvBits: 64 } as const
const MATERIAL_BYTES = TUNNEL_KEY_BYTES + SALT_BYTES
const ESP = 50
const UDP = 17

/** One state to be: a direction between us and a peer under a key. */
export interface WantedState extends XfrmStateRef {
  readonly peer: SealedPeer
  readonly key: TunnelKey
}

/** Everything a state of affairs asks of IPsec. */
export interface AssociationPlan {
  readonly local: Ip
  readonly peers: readonly SealedPeer[]
  readonly inbound: readonly WantedState[]
  readonly outbound: readonly WantedState[]
  readonly policies: ReadonlyMap<Ip, XfrmPolicySpec>
}

/** A state that opens for every key of every peer, one that seals for the first. */
export function planAssociations(accepted: AcceptedState): AssociationPlan {
  const { keys = [], tunnel } = accepted
  const local = tunnel.ip
  const peers = sealedPeers(accepted)
  const [primary] = keys
  const outbound = peers.flatMap((peer) =>
    primary === undefined ? [] : [wantedState(peer, primary, [local, peer.ip])],
  )
  return {
    local,
    peers,
    inbound: peers.flatMap((peer) =>
      keys.map((key) => ({ ...wantedState(peer, key, [peer.ip, local]), mark: PLAIN_MARK })),
    ),
    outbound,
    policies: new Map(outbound.map((state) => [state.peer.ip, policyOf(state)])),
  }
}

function wantedState(
  peer: SealedPeer,
  key: TunnelKey,
  [source, destination]: readonly [Ip, Ip],
): WantedState {
  const spi = spiOf({ source, destination, tag: key.tag }, 'sixteen-byte')
  return { peer, key, source, destination, spi }
}

function policyOf({ destination, peer, source, spi }: WantedState): XfrmPolicySpec {
  const only = (ip: Ip): ReturnType<typeof cidrOf> =>
    cidrOf(`${ip}/${ipFamily(ip) === 4 ? 32 : 128}` as InterfaceAddress)
  return {
    direction: 'out',
    selector: {
      source: only(source),
      destination: only(destination),
      protocol: UDP,
      destinationPort: peer.port,
    },
    mark: { value: ENCRYPT_MARK, mask: 0xffff_ffff },
    action: 'allow',
    template: { source, destination, reqid: REQID, spi },
  }
}

/** The kernel's IPsec as far as this needs it. */
export type AssociationPort = Pick<
  Xfrm,
  'deletePolicy' | 'deleteState' | 'policies' | 'putPolicy' | 'putState' | 'states'
>

/** What the kernel has under our names. */
export interface AssociationReading {
  readonly states: readonly XfrmState[]
  readonly policies: readonly XfrmPolicy[]
}

/** Read states and policies. Throws ERR_KERNEL. */
export function readAssociations(xfrm: AssociationPort): AssociationReading {
  const ours = (state: XfrmState): boolean => state.reqid === REQID && state.protocol === ESP
  return {
    states: xfrm.states().filter(ours),
    policies: xfrm.policies().filter(({ mark }) => mark?.value === ENCRYPT_MARK),
  }
}

/** The keys of states that this process made, by name; kept from one change to the next. */
export type MadeStates = Map<string, TunnelKey>

/**
 * One change of associations in the order that loses nothing: receive first, then send; `retire`
 * is for later. States that this process did not make are made again: the kernel cannot be asked
 * whose key they hold, and a policy whose state is away holds packets back.
 */
export class AssociationChange {
  readonly #xfrm: AssociationPort
  readonly #plan: AssociationPlan
  readonly #reading: AssociationReading
  readonly #known: Map<string, XfrmState>
  readonly #made: MadeStates
  /** Observed paths of what was not as it should be. */
  readonly changed = new Set<string>()

  constructor(xfrm: AssociationPort, plan: AssociationPlan, made: MadeStates) {
    this.#xfrm = xfrm
    this.#plan = plan
    this.#made = made
    this.#reading = readAssociations(xfrm)
    this.#known = new Map(this.#reading.states.map((state) => [stateKey(state), state]))
  }

  /** States as they were before the change. */
  get states(): readonly XfrmState[] {
    return this.#reading.states
  }

  /** Receive with all keys, then send with the first. A peer that fails stays dark. */
  bringUp(failures: FailureLog): void {
    const { inbound, outbound, policies } = this.#plan
    for (const state of inbound) this.#attempt(state.peer, failures, () => this.#put(state))
    for (const state of outbound) {
      this.#attempt(state.peer, failures, () => {
        this.#put(state)
        const policy = policies.get(state.destination)
        if (policy !== undefined) this.#direct(state.peer, policy)
      })
    }
  }

  /** Take away what nothing uses any more. Throws ERR_KERNEL. */
  retire(): void {
    const { inbound, outbound, policies } = this.#plan
    for (const policy of this.#reading.policies) {
      const wanted = policies.get(peerOf(policy))
      if (wanted !== undefined && policyName(wanted) === policyName(policy)) continue
      this.#xfrm.deletePolicy(policy)
      this.#note(peerOf(policy))
    }
    const wanted = new Set([...inbound, ...outbound].map(stateKey))
    for (const state of this.#reading.states) {
      const name = stateKey(state)
      if (wanted.has(name) || isOfRun(state)) continue
      this.#xfrm.deleteState(state)
      this.#made.delete(name)
      this.#note(state.source === this.#plan.local ? state.destination : state.source)
    }
  }

  #attempt({ ip, node }: SealedPeer, failures: FailureLog, work: () => void): void {
    // What fails is a failure and no drift, however often it is tried.
    if (!failures.attempt(itemPath.peer(node), work)) this.changed.delete(itemPath.association(ip))
  }

  #note(ip: Ip): void {
    this.changed.add(itemPath.association(ip))
  }

  #put(wanted: WantedState): void {
    const name = stateKey(wanted)
    const known = this.#known.get(name)
    const made = this.#made.get(name)
    const isOurs = made !== undefined && isSameKey(made, wanted.key)
    if (known !== undefined && isOurs && isSound(known)) return
    this.#note(wanted.peer.ip)
    this.#made.delete(name)
    if (known !== undefined) this.#xfrm.deleteState(known)
    try {
      createState(this.#xfrm, wanted)
    } catch (error) {
      // A packet for a state that was away makes the kernel hold its place.
      if (!isKernelError(error, 'EEXIST') || !this.#clear(wanted)) throw error
      createState(this.#xfrm, wanted)
    }
    this.#made.set(name, wanted.key)
  }

  /** Remove one of ours that has come meanwhile; false when another has the SPI. */
  #clear({ destination, spi }: WantedState): boolean {
    const ours = readAssociations(this.#xfrm).states.find(
      (state) => state.spi === spi && state.destination === destination && !isOfRun(state),
    )
    return ours !== undefined && this.#xfrm.deleteState(ours)
  }

  #direct({ ip }: SealedPeer, policy: XfrmPolicySpec): void {
    const name = policyName(policy)
    const known = this.#reading.policies.find((each) => policyName(each) === name)
    if (known !== undefined && isSame(known, policy)) return
    this.#xfrm.putPolicy('replace', policy)
    this.#note(ip)
  }
}

/** Make a state that seals or opens under a key; that of a run has a window. Throws ERR_KERNEL. */
export function createState(
  xfrm: Pick<AssociationPort, 'putState'>,
  { key, ...ref }: XfrmStateRef & Pick<WantedState, 'key'>,
): void {
  const { destination, mark, source, spi } = ref
  const name = { source, destination, spi, ...(mark === undefined ? {} : { mark }) }
  const kind = isOfRun(ref)
    ? { replayWindow: WINDOW_PACKETS, outputMark: PLAIN_MARK }
    : { replayWindow: 0 }
  // The salt is the SPI (docker-wire §5.4).
  withMaterial(key, spi, (material) => {
    const aead = { ...AEAD, key: material }
    xfrm.putState('create', { ...name, ...kind, reqid: REQID, aead })
  })
}

/** A tag can come back with other bytes: a manager that was restored from a copy rotates anew. */
export function isSameKey(a: TunnelKey, b: TunnelKey): boolean {
  if (a === b) return true
  if (a.isZeroed || b.isZeroed) return false
  return withMaterial(a, 0, (x) =>
    withMaterial(b, 0, (y) => x.every((byte, index) => byte === y[index])),
  )
}

/** The one place where key bytes are outside of a key, and for as long as the call takes. */
function withMaterial<Result>(
  key: TunnelKey,
  salt: number,
  use: (material: Uint8Array) => Result,
): Result {
  const material = new Uint8Array(MATERIAL_BYTES)
  try {
    key.writeKeyMaterial(material, 0, salt)
    return use(material)
  } finally {
    material.fill(0)
  }
}

/** False for the place that the kernel holds for a state it waits for, too. */
function isSound({ aead, mode }: XfrmState): boolean {
  if (mode !== 'transport' || aead?.name !== AEAD.name) return false
  return aead.icvBits === AEAD.icvBits && aead.keyBits === 8 * MATERIAL_BYTES
}

/** What the kernel finds a policy by. */
function policyName({ direction, selector }: XfrmPolicySpec): string {
  const { destination, destinationPort, protocol, source, sourcePort } = selector
  return [direction, source, destination, protocol, sourcePort ?? 0, destinationPort].join(' ')
}

function isSame(a: XfrmPolicySpec, b: XfrmPolicySpec): boolean {
  const [x, y] = [a.template, b.template]
  if (a.action !== b.action || x?.reqid !== y?.reqid || x?.spi !== y?.spi) return false
  return x?.source === y?.source && x?.destination === y?.destination
}

function peerOf({ selector }: XfrmPolicySpec): Ip {
  return addressOf(selector.destination)
}

/** As much of a plan as can be told from what it led to; null when nothing seals. */
export function planFound({ policies }: AssociationReading): PlanNames | null {
  const [policy] = policies
  if (policy === undefined) return null
  return { local: addressOf(policy.selector.source), inbound: [], outbound: [] }
}

/** What of a plan gives states their names. */
type PlanNames = Pick<AssociationPlan, 'inbound' | 'local' | 'outbound'>

/** What there is with each peer, by the names of keys; an SPI of no key of ours as such. */
export function associationsIn(
  { policies, states }: AssociationReading,
  plan: PlanNames,
): ReadonlyMap<Ip, AssociationTags> {
  const tags = new Map([...plan.inbound, ...plan.outbound].map((s) => [stateKey(s), s.key.tag]))
  const nameOf = (state: XfrmStateRef): number | string =>
    tags.get(stateKey(state)) ?? `spi 0x${state.spi.toString(16)}`
  const seen = new Map<Ip, { seals: number | string | null; opens: (number | string)[] }>()
  const of = (ip: Ip): { seals: number | string | null; opens: (number | string)[] } => {
    const known = seen.get(ip) ?? { seals: null, opens: [] }
    seen.set(ip, known)
    return known
  }
  for (const state of states) {
    if (isOfRun(state)) continue
    if (state.source !== plan.local) {
      of(state.source).opens.push(nameOf(state))
      continue
    }
    const isUsed = policies.some(({ template }) => template?.spi === state.spi)
    const peer = of(state.destination)
    if (isUsed) peer.seals = nameOf(state)
  }
  return seen
}
