/** The associations of one peer: a sending and a receiving end for each key it was known under. */
import type { CipherSuite, Entropy, Ip } from '@weft/core'
import { InboundAssociation } from './inbound-association.ts'
import type { NetworkKey } from './network-key.ts'
import { OutboundAssociation } from './outbound-association.ts'
import type { PeerProfile } from './peer-profile.ts'
import { spiOf } from './spi.ts'

/** What the associations of a peer are made with. */
export interface PeerOptions {
  readonly address: Ip
  readonly local: Ip
  readonly profile: PeerProfile
  readonly suite: CipherSuite
  readonly protocol: number
  /** The last sequence number used under an SPI; 0 where none was. */
  readonly sequenceAfter: (spi: number) => number
}

/**
 * Ends are kept as long as their key lives, also while the peer is away: a window that was
 * forgotten would take old packets for new ones, and a sequence begun again would be refused there.
 */
export class PeerAssociations {
  readonly address: Ip
  readonly profile: PeerProfile
  /** False while the peer was removed: nothing is sealed for it or received from it. */
  isPresent = true
  /** The end that seals; null without a primary key, or while the peer is away. */
  sender: OutboundAssociation | null = null
  readonly #options: PeerOptions
  readonly #entropy: Entropy
  readonly #inbound = new Map<number, InboundAssociation>()
  readonly #outbound = new Map<number, OutboundAssociation>()

  constructor(options: PeerOptions, entropy: Entropy) {
    this.address = options.address
    this.profile = options.profile
    this.#options = options
    this.#entropy = entropy
  }

  /** Receiving ends by the tags of their keys. */
  get inbound(): ReadonlyMap<number, InboundAssociation> {
    return this.#inbound
  }

  /** Sending ends by the tags of their keys. */
  get outbound(): ReadonlyMap<number, OutboundAssociation> {
    return this.#outbound
  }

  /** Receive with a key from now on; null when it does so already. */
  accept(key: NetworkKey): InboundAssociation | null {
    if (this.#inbound.has(key.tag)) return null
    const { address, local, suite, protocol, profile } = this.#options
    const { spiGeneration, extendedSequence, replayWindowPackets, windowPerRun } = profile
    const spi = spiOf({ source: address, destination: local, tag: key.tag }, spiGeneration)
    const layout = { spi, salt: spi, extendedSequence, protocol }
    const options = { ...layout, replayWindowPackets, windowPerRun }
    const association = new InboundAssociation(options, key.openCipher(suite))
    this.#inbound.set(key.tag, association)
    return association
  }

  /** Send with a key from now on, behind what was sent with it before; with none: not at all. */
  transmit(key: NetworkKey | null): void {
    this.sender = key === null ? null : (this.#outbound.get(key.tag) ?? this.#openOutbound(key))
  }

  /** Forget a key; returns the end that received with it. */
  retire(tag: number): InboundAssociation | null {
    const outbound = this.#outbound.get(tag)
    const inbound = this.#inbound.get(tag)
    if (outbound !== undefined && this.sender === outbound) this.sender = null
    outbound?.close()
    inbound?.close()
    this.#outbound.delete(tag)
    this.#inbound.delete(tag)
    return inbound ?? null
  }

  #openOutbound(key: NetworkKey): OutboundAssociation {
    const { address, local, suite, protocol, profile, sequenceAfter } = this.#options
    const { spiGeneration, extendedSequence } = profile
    const spi = spiOf({ source: local, destination: address, tag: key.tag }, spiGeneration)
    const layout = { spi, salt: spi, extendedSequence, protocol }
    const options = { ...layout, sequenceAfter: sequenceAfter(spi) }
    const association = new OutboundAssociation(options, key.openCipher(suite), this.#entropy)
    this.#outbound.set(key.tag, association)
    return association
  }
}
