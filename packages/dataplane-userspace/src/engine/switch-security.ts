/** What seals and opens the datagrams of encrypted networks: keys, peers, associations. */
import { ipBytes, ipFamily, WeftError, type Ip, type SocketAddress } from '@weft/core'
import {
  DOCKER_PROFILE,
  KeyRing,
  SecurityAssociations,
  type EspFault,
  type NetworkKey,
  type PeerKeys,
  type RekeyWanted,
} from '@weft/encryption'
import { foldSum, IP_PROTOCOL, sumBytes } from '@weft/wire'
import type { EngineSecurity, SealingParts, SecurityProblem } from './engine-state.ts'

/** Of no peer. */
const NOTHING: ReadonlyMap<Ip, PeerKeys> = new Map()

/**
 * Associations with every peer of an encrypted network (docker-wire §5.4). Invariant: a key has one
 * owner, the associations; without a specification there are neither.
 */
export class SwitchSecurity {
  /** Whether sealed datagrams have checksums, as over IPv6. */
  isOverSix = false
  /** Bytes of the tag behind what is sealed. */
  readonly tagBytes: number
  readonly #parts: SealingParts | null
  #ring = new KeyRing()
  #associations: SecurityAssociations | null = null
  #local: SocketAddress | null = null
  #peers: ReadonlySet<Ip> = new Set()
  /** Sums of both addresses, by the peer's. */
  #pseudo = new WeakMap<SocketAddress, number>()

  constructor(parts: SealingParts | null) {
    this.#parts = parts
    this.tagBytes = parts?.suite.tagBytes ?? 0
  }

  /** Where our own tunnel listens; -1 while nothing is opened. */
  get port(): number {
    return this.#local?.port ?? -1
  }

  /**
   * Be as this says: receive with what is new, then send with the first key, then retire what is
   * gone. Says what could not be; keys that cannot be used leave all as it was.
   */
  load(spec: EngineSecurity | null): readonly SecurityProblem[] {
    if (spec === null || this.#parts === null) {
      for (const key of spec?.keys ?? []) key.zero()
      this.close()
      return spec === null ? [] : [{ peer: null, code: 'ERR_UNSUPPORTED' }]
    }
    if (this.#local?.ip !== spec.local.ip) this.close()
    const associations = this.#associations ?? this.#create(spec.local, this.#parts)
    this.#associations = associations
    this.#local = spec.local
    this.isOverSix = ipFamily(spec.local.ip) === 6
    const problems = this.#rotate(associations, spec.keys)
    for (const peer of this.#peers) if (!spec.peers.has(peer)) associations.removePeer(peer)
    this.#peers = spec.peers
    for (const peer of spec.peers) {
      const code = codeOf(() => associations.addPeer(peer, DOCKER_PROFILE))
      if (code !== null) problems.push({ peer, code })
    }
    return problems
  }

  /** Names of keys by peer, read from the associations. */
  read(): ReadonlyMap<Ip, PeerKeys> {
    return this.#associations?.read() ?? NOTHING
  }

  /** As `SecurityAssociations.seal`. */
  seal(bytes: Uint8Array, start: number, end: number, peer: Ip): number | EspFault {
    return this.#associations?.seal(bytes, start, end, peer) ?? 'no-key'
  }

  /** As `SecurityAssociations.open`. */
  open(bytes: Uint8Array, start: number, end: number, peer: Ip): number | EspFault {
    return this.#associations?.open(bytes, start, end, peer) ?? 'unknown-spi'
  }

  /** The sum of addresses and protocol of what is sent to a peer (RFC 8200 §8.1). */
  pseudoSum(peer: SocketAddress): number {
    const known = this.#pseudo.get(peer)
    if (known !== undefined) return known
    const sum = foldSum(sumOf(peer.ip) + sumOf(this.#local?.ip ?? peer.ip) + IP_PROTOCOL.udp)
    this.#pseudo.set(peer, sum)
    return sum
  }

  /** Peers whose sequence numbers run out; each is named once for each key. */
  drain(): readonly RekeyWanted[] {
    return this.#associations?.drain() ?? []
  }

  /** Neither seal nor open, and zero every key. */
  close(): void {
    this.#associations?.close()
    this.#associations = null
    this.#ring = new KeyRing()
    this.#local = null
    this.#peers = new Set()
    this.#pseudo = new WeakMap()
  }

  #create({ ip: local }: SocketAddress, parts: SealingParts): SecurityAssociations {
    const { entropy, sequenceAfter, suite } = parts
    const options = { local, suite, protocol: IP_PROTOCOL.udp, sequenceAfter }
    return new SecurityAssociations(options, entropy)
  }

  #rotate(associations: SecurityAssociations, keys: readonly NetworkKey[]): SecurityProblem[] {
    const isFit = keys.every(({ byteLength }) => byteLength === this.#parts?.suite.keyBytes)
    const code = isFit
      ? codeOf(() => {
          this.#forgetReused(associations, keys)
          this.#carryOut(associations, keys)
        })
      : 'ERR_KEY_SIZE'
    if (code === null) return []
    for (const key of keys) if (!this.#ring.keys.includes(key)) key.zero()
    return [{ peer: null, code }]
  }

  /** A manager that was restored from a backup may give a name again: the key of old goes first. */
  #forgetReused(associations: SecurityAssociations, keys: readonly NetworkKey[]): void {
    const { keys: before } = this.#ring
    const kept = before.filter((known) => !keys.some((key) => holdsOther(key, known)))
    if (kept.length < before.length) this.#carryOut(associations, kept)
  }

  #carryOut(associations: SecurityAssociations, keys: readonly NetworkKey[]): void {
    for (const step of this.#ring.replace(keys)) associations.apply(step)
  }
}

function holdsOther(a: NetworkKey, b: NetworkKey): boolean {
  return a.tag === b.tag && !a.holdsSame(b)
}

function sumOf(ip: Ip): number {
  const bytes = ipBytes(ip)
  return sumBytes(bytes, 0, bytes.length)
}

function codeOf(work: () => void): string | null {
  try {
    work()
    return null
  } catch (error) {
    if (error instanceof WeftError) return error.code
    throw error
  }
}
