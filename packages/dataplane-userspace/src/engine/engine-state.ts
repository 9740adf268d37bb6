/** What a switch is told, what it sends to, and what it counts: its door, as plain data. */
import type { QuickSum } from './byte-sum.ts'
import type { CipherSuite, Entropy, Ip, Mac, SocketAddress, Vni } from '@weft/core'
import type { Encapsulation, NetworkCounters, NetworkId, PrefixSpec } from '@weft/dataplane'
import type { NetworkKey } from '@weft/encryption'
import type { PacketView } from './packet-view.ts'

/**
 * All that a switch knows. Ports and peers are numbers that the shell gives, from 0 and small: they
 * are indices of arrays. Structurally shared: what is the same object as before is passed over.
 */
export interface EngineState {
  /** VTEPs by peer number; datagrams from elsewhere are refused. */
  readonly peers: ReadonlyMap<number, SocketAddress>
  /** Subnets by VNI. */
  readonly subnets: ReadonlyMap<Vni, EngineSubnet>
}

/** One broadcast domain. */
export interface EngineSubnet {
  /** The network it belongs to, for counters. */
  readonly network: NetworkId
  readonly encapsulation: Encapsulation
  /** Largest packet inside, in bytes. */
  readonly mtuBytes: number
  /**
   * Gateways are local on every node: they are answered for, answer echo requests, and route to the
   * other subnets of the network.
   */
  readonly prefixes: readonly PrefixSpec[]
  /** Local endpoints by MAC. */
  readonly ports: ReadonlyMap<Mac, EnginePort>
  /** Remote endpoints: MAC to peer number. */
  readonly forwarding: ReadonlyMap<Mac, number>
  /** Which MAC a remote address has. */
  readonly neighbours: ReadonlyMap<Ip, Mac>
}

/** With whom and with what the datagrams of encrypted subnets are sealed and opened. */
export interface EngineSecurity {
  /** Our VTEP: SPIs are made of its address, and what is sealed must be for its port. */
  readonly local: SocketAddress
  /** Addresses of the VTEPs that have endpoints of encrypted networks. */
  readonly peers: ReadonlySet<Ip>
  /** The first seals, all of them open. The engine owns them from now on, and zeroes them. */
  readonly keys: readonly NetworkKey[]
}

/** What of an EngineSecurity could not be: for a peer, or (null) for all of its keys. */
export interface SecurityProblem {
  readonly peer: Ip | null
  /** Of an error of @weft/encryption; ERR_UNSUPPORTED for an engine without a suite. */
  readonly code: string
}

/** Where a local endpoint is plugged in. A port is in one subnet at a time. */
export interface EnginePort {
  readonly port: number
  /** What other subnets reach it by. */
  readonly addresses: readonly Ip[]
  /** Bits of PORT_OFFLOAD. */
  readonly offloads: number
}

/** Where packets go. Neither may throw, nor call the switch from inside. */
export interface SwitchSink {
  /** A frame for a local port. View and bytes are the switch's again when this returns. */
  deliver(port: number, packet: PacketView): void
  /**
   * UDP payloads for a peer, to be sent from `packet.sourcePort` (or from a socket that it picks:
   * one flow, one port). View and bytes are the switch's again when this returns.
   */
  transmit(peer: number, packet: PacketView): void
  /** ESP packets for a peer, as IP or UDP carries them; else as `transmit`. */
  transmitSealed(peer: number, packet: PacketView): void
}

/** What an engine seals with. */
export interface SealingParts {
  readonly suite: CipherSuite
  readonly entropy: Entropy
  /** The last sequence number that was used under an SPI before this switch was; 0 for none. */
  readonly sequenceAfter: (spi: number) => number
}

/** What a switch is made with. */
export interface SwitchOptions {
  /**
   * Memory for what is sent: SWITCH_ARENA_BYTES from `start`. Where the packets that are handed in
   * stand in the same array, nothing is allocated for any of them.
   */
  readonly arena: { readonly bytes: Uint8Array; readonly start: number }
  /** Sums over the array of the arena, where something makes them quicker than plain code. */
  readonly quick?: QuickSum | null
  /** Datagrams in one `transmit`: TRANSMIT_SEGMENTS_MAX, or 1 where UDP_SEGMENT is missing. */
  readonly segmentsMax: number
  /** Null for an engine that knows no encryption: encrypted subnets stay dark. */
  readonly sealing: SealingParts | null
}

/**
 * Where a datagram came from: an IPv6 address as four words of 32 bits, signed or not; IPv4 is
 * mapped (0, 0, 0xffff, address). Mutable, so that one object serves for all.
 */
export interface UnderlaySource {
  word0: number
  word1: number
  word2: number
  word3: number
}

/** Numbers since the switch was made; they only grow. */
export interface SwitchCounters {
  /** Datagrams, also where several went at once. */
  readonly transmitted: number
  readonly received: number
  /** By reason: one of DROP_REASONS; only those that happened. */
  readonly dropped: ReadonlyMap<string, number>
  readonly networks: ReadonlyMap<NetworkId, NetworkCounters>
}
