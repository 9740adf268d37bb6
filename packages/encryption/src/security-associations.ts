/** All security associations of a node: with each peer, one to send and one a key to receive. */
import { assert, checkKeySize, type CipherSuite, type Entropy, type Ip } from '@weft/core'
import { encryptionError } from './errors.ts'
import { ESP_FAULTS, type EspFault } from './esp-fault.ts'
import { ESP_HEADER_BYTES, signedAt } from './esp-layout.ts'
import type { InboundAssociation } from './inbound-association.ts'
import type { RotationStep } from './key-ring.ts'
import type { NetworkKey } from './network-key.ts'
import { PeerAssociations } from './peer-associations.ts'
import { checkProfile, type PeerProfile } from './peer-profile.ts'

/** Peers of one node, among them those that were removed while keys of their time live. */
export const PEERS_MAX = 8192

/** What all associations of a node have in common. */
export interface SecurityAssociationsOptions {
  /** The address this node advertises for its tunnels. */
  readonly local: Ip
  readonly suite: CipherSuite
  /** The protocol in the packets, as IP numbers them: 17 for VXLAN. */
  readonly protocol: number
  /** The last sequence number this node used under an SPI, if it kept `sequences()`; else 0. */
  readonly sequenceAfter: (spi: number) => number
}

/** A peer wants a new key soon: three quarters of the sequence numbers under this one are used. */
export interface RekeyWanted {
  readonly peer: Ip
  readonly spi: number
  readonly sequence: number
}

/** Keys of the ends that one peer has, by their tags; `seals` is null where nothing is sealed. */
export interface PeerKeys {
  readonly seals: number | null
  readonly opens: readonly number[]
}

/** What was done, and why what was not. */
export interface EspCounters {
  readonly sealed: number
  readonly opened: number
  readonly faults: { readonly [Fault in EspFault]: number }
}

/** Who may have sent a packet with some SPI. */
interface Receiver {
  readonly peer: PeerAssociations
  readonly association: InboundAssociation
}

const NOBODY: readonly Receiver[] = []
const NOTHING_WANTED: readonly RekeyWanted[] = []

/**
 * Seals packets for peers and opens what comes from them, under keys that change in the steps of a
 * `KeyRing`. A received packet is looked up by SPI and source: SPIs are hashes, and of many peers
 * two will share one. What cannot be sealed or opened is a fault, counted, and never clear text.
 */
export class SecurityAssociations {
  readonly #options: SecurityAssociationsOptions
  readonly #entropy: Entropy
  readonly #keys = new Map<number, NetworkKey>()
  readonly #peers = new Map<Ip, PeerAssociations>()
  /** By SPI, as a signed number: those are no objects in V8. */
  readonly #receivers = new Map<number, readonly Receiver[]>()
  readonly #faults = Object.fromEntries(ESP_FAULTS.map((fault) => [fault, 0])) as {
    [Fault in EspFault]: number
  }
  #primary: NetworkKey | null = null
  #wanted: RekeyWanted[] = []
  #sealed = 0
  #opened = 0

  constructor(options: SecurityAssociationsOptions, entropy: Entropy) {
    this.#options = options
    this.#entropy = entropy
  }

  /**
   * Carry out one step of a change of keys. A key that is retired is zeroed. Throws ERR_KEY_SIZE
   * for a key that the suite cannot use, and then nothing has changed.
   */
  apply(step: RotationStep): void {
    if (step.kind === 'retire') this.#retire(step.key)
    else if (step.kind === 'accept') this.#accept(step.key)
    else this.#transmit(step.key)
  }

  /**
   * Exchange packets with a peer, known by the address it advertises. One that returns goes on
   * where it was; one whose profile changed begins anew. Throws ERR_PEERS_MAX, ERR_INVALID_VALUE.
   */
  addPeer(address: Ip, profile: PeerProfile): void {
    checkProfile(profile)
    const known = this.#peers.get(address)
    if (known !== undefined && !isSameProfile(known.profile, profile)) this.#forget(known)
    const peer = this.#peers.get(address) ?? this.#create(address, profile)
    peer.isPresent = true
    this.#open(peer)
  }

  /** Neither send to a peer nor receive from it, until it is added again. */
  removePeer(address: Ip): void {
    const peer = this.#peers.get(address)
    if (peer === undefined) return
    peer.isPresent = false
    peer.transmit(null)
  }

  /**
   * A peer lost its memory, and begins with sequence number 1 again: so do we, in both directions.
   * To be believed only from the peer itself: packets from before pass once more.
   */
  restartPeer(address: Ip): void {
    const peer = this.#peers.get(address)
    if (peer === undefined) return
    this.#forget(peer)
    if (!peer.isPresent) return
    this.#open(this.#create(address, peer.profile, () => 0))
  }

  /** As `OutboundAssociation.seal`, for a peer by the address it advertises. */
  seal(bytes: Uint8Array, start: number, end: number, peer: Ip): number | EspFault {
    const known = this.#peers.get(peer)
    if (known === undefined || !known.isPresent) return this.#refuse('no-peer')
    const { sender } = known
    if (sender === null) return this.#refuse('no-key')
    const result = sender.seal(bytes, start, end)
    if (typeof result !== 'number') return this.#refuse(result)
    this.#sealed++
    if (sender.sequence === sender.rekeyAt) {
      this.#wanted.push({ peer, spi: sender.spi, sequence: sender.sequence })
    }
    return result
  }

  /** As `InboundAssociation.open`, for a packet from the peer that advertises this address. */
  open(bytes: Uint8Array, start: number, end: number, source: Ip): number | EspFault {
    if (start < 0 || end > bytes.length || end - start < ESP_HEADER_BYTES) {
      return this.#refuse('short')
    }
    const receivers = this.#receivers.get(signedAt(bytes, start)) ?? NOBODY
    let fault: EspFault = 'unknown-spi'
    // By index: an iterator would be an object for each packet.
    for (let i = 0; i < receivers.length; i++) {
      const { peer, association } = receivers[i] as Receiver
      if (peer.address !== source || !peer.isPresent) continue
      const result = association.open(bytes, start, end)
      if (typeof result === 'number') {
        this.#opened++
        return result
      }
      // Two keys may share an SPI: a packet that is not this one's may be the other's.
      if (fault === 'unknown-spi' || fault === 'bad-icv') fault = result
    }
    return this.#refuse(fault)
  }

  /** Counts since the beginning. */
  counters(): EspCounters {
    return { sealed: this.#sealed, opened: this.#opened, faults: { ...this.#faults } }
  }

  /** Names of the keys that seal for each peer and that open what comes from it. */
  read(): ReadonlyMap<Ip, PeerKeys> {
    const present = [...this.#peers.values()].filter(({ isPresent }) => isPresent)
    return new Map(
      present.map(({ address, inbound, outbound, sender }) => {
        const seals = [...outbound].find(([, association]) => association === sender)
        return [address, { seals: seals?.[0] ?? null, opens: [...inbound.keys()] }]
      }),
    )
  }

  /** Peers that want a new key; each is told about once for each key. */
  drain(): readonly RekeyWanted[] {
    if (this.#wanted.length === 0) return NOTHING_WANTED
    const wanted = this.#wanted
    this.#wanted = []
    return wanted
  }

  /** The last sequence number used under each SPI, for `sequenceAfter` of a later process. */
  sequences(): ReadonlyMap<number, number> {
    const ends = [...this.#peers.values()].flatMap((peer) => [...peer.outbound.values()])
    return new Map(ends.map(({ spi, sequence }) => [spi, sequence]))
  }

  /** Forget every peer and zero every key. */
  close(): void {
    for (const peer of this.#peers.values()) this.#forget(peer)
    for (const key of this.#keys.values()) key.zero()
    this.#keys.clear()
    this.#primary = null
  }

  /** What must hold between any two calls; tests ask after each step. */
  assertInvariants(): void {
    let inbound = 0
    for (const peer of this.#peers.values()) {
      inbound += peer.inbound.size
      for (const tag of [...peer.inbound.keys(), ...peer.outbound.keys()]) {
        assert(this.#keys.has(tag), 'no end outlives its key')
      }
      const { sender } = peer
      const primary = this.#primary === null ? undefined : peer.outbound.get(this.#primary.tag)
      assert(sender === null || sender === primary, 'only the primary key seals')
      assert(!peer.isPresent || peer.inbound.size === this.#keys.size, 'each key opens')
      assert(!peer.isPresent || (sender === null) === (this.#primary === null), 'one end seals')
    }
    const receivers = [...this.#receivers.values()].flat()
    assert(receivers.length === inbound, 'each receiving end is found by its SPI')
    assert(this.#peers.size <= PEERS_MAX, 'no more than PEERS_MAX')
  }

  #accept(key: NetworkKey): void {
    checkKeySize(this.#options.suite.name, key.byteLength)
    this.#keys.set(key.tag, key)
    for (const peer of this.#peers.values()) if (peer.isPresent) this.#receive(peer, key)
  }

  #transmit(key: NetworkKey | null): void {
    assert(key === null || this.#keys.get(key.tag) === key, 'a key is accepted before it is used')
    this.#primary = key
    for (const peer of this.#peers.values()) if (peer.isPresent) peer.transmit(key)
  }

  #retire(key: NetworkKey): void {
    assert(this.#primary !== key, 'a key is retired when it is no longer used')
    for (const peer of this.#peers.values()) {
      this.#unlist(peer.retire(key.tag))
      if (!peer.isPresent && peer.inbound.size === 0) this.#peers.delete(peer.address)
    }
    this.#keys.delete(key.tag)
    key.zero()
  }

  #create(
    address: Ip,
    profile: PeerProfile,
    sequenceAfter = this.#options.sequenceAfter,
  ): PeerAssociations {
    if (this.#peers.size === PEERS_MAX) {
      throw encryptionError('ERR_PEERS_MAX', 'too many peers', { max: PEERS_MAX })
    }
    const { local, suite, protocol } = this.#options
    const options = { address, local, profile, suite, protocol, sequenceAfter }
    const peer = new PeerAssociations(options, this.#entropy)
    this.#peers.set(address, peer)
    return peer
  }

  #open(peer: PeerAssociations): void {
    for (const key of this.#keys.values()) this.#receive(peer, key)
    peer.transmit(this.#primary)
  }

  #receive(peer: PeerAssociations, key: NetworkKey): void {
    const association = peer.accept(key)
    if (association === null) return
    const spi = association.spi | 0
    const others = this.#receivers.get(spi) ?? NOBODY
    this.#receivers.set(spi, [...others, { peer, association }])
  }

  #forget(peer: PeerAssociations): void {
    for (const tag of [...peer.inbound.keys(), ...peer.outbound.keys()]) {
      this.#unlist(peer.retire(tag))
    }
    this.#peers.delete(peer.address)
  }

  #unlist(association: InboundAssociation | null): void {
    if (association === null) return
    const spi = association.spi | 0
    const before = this.#receivers.get(spi) ?? NOBODY
    const others = before.filter((one) => one.association !== association)
    if (others.length === 0) this.#receivers.delete(spi)
    else this.#receivers.set(spi, others)
  }

  #refuse(fault: EspFault): EspFault {
    this.#faults[fault]++
    return fault
  }
}

function isSameProfile(a: PeerProfile, b: PeerProfile): boolean {
  return (
    a.spiGeneration === b.spiGeneration &&
    a.extendedSequence === b.extendedSequence &&
    a.windowPerRun === b.windowPerRun &&
    a.replayWindowPackets === b.replayWindowPackets
  )
}
