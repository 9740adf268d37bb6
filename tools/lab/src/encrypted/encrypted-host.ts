/** A host with one container on an encrypted network, as whoever tests it sees it. */
import { parseIp, parseMac, vni, type Ip, type Mac } from '@weft/core'
import type { EspOptions } from '@weft/dataplane-userspace'
import type { HostBackend } from '../host-dataplane.ts'

/** What is done wrong with a packet that a host has sent, or might have. */
export type Foul = 'clear' | 'replayed' | 'forged' | 'truncated'

/** What crossed the wire, as a host saw it since it was made. */
export interface WireTally {
  /** Packets of ESP, in IP or in UDP. */
  readonly sealed: number
  /** Datagrams for the tunnel's port that nothing hides. */
  readonly clear: number
  /** Packets of any kind in which the secret can be read. */
  readonly readable: number
  /** Packets that were not looked at: there was no room for them. */
  readonly missed: number
}

/** Datagrams between the containers. */
export interface StreamTally {
  /** By this container, to the other. */
  readonly sent: number
  /** Different ones of the other container's. */
  readonly arrived: number
  /** How many the other had sent when it sent the youngest of them; 0 before any. */
  readonly youngest: number
  /** Of the other container's, those that had been here before. */
  readonly repeated: number
}

/** Key of a Lamport time; the same one, as somebody has it who does not know it. */
export interface PairKey {
  readonly time: number
  readonly isWrong?: boolean
}

/** What is fixed about a host: it may be described here and made elsewhere. */
export interface EncryptedHostSpec {
  readonly number: 1 | 2
  readonly backend: HostBackend
  /** How its packets travel; only the userspace backend has another way than IP's own protocol. */
  readonly path?: EspOptions['path']
}

/** All of it takes and gives plain data, so that a host may be on another machine. */
export interface EncryptedHost {
  /** Open a dataplane, as a successor of one that was closed or not. */
  readonly open: () => Promise<void>
  /** Close it. */
  readonly close: (mode: 'detach' | 'teardown') => Promise<void>
  /** Want the network with these keys, the first of them sealing: failures, as `item CODE`. */
  readonly apply: (keys: readonly PairKey[]) => Promise<readonly string[]>
  /** Apply the same again: how much was changed. */
  readonly changesAgain: () => Promise<number>
  /** What the dataplane finds in place, by item. */
  readonly items: () => Promise<Readonly<Record<string, string>>>
  /** Datagrams that were thrown away, by reason. */
  readonly dropped: () => Promise<Readonly<Record<string, number>>>
  /** Items that drifted since the last time. */
  readonly drifted: () => Promise<readonly string[]>
  /** Send datagrams every so many milliseconds from now on; null: no more. */
  readonly pump: (everyMs: number | null) => Promise<void>
  /** Datagrams up to now. */
  readonly stream: () => Promise<StreamTally>
  /** Count from nothing again. */
  readonly restream: () => Promise<void>
  /** Send bytes to the other container by TCP: their digest, and what the other says it was. */
  readonly transfer: (bytes: number) => Promise<readonly [sent: string, received: string]>
  /** What the wire has shown. */
  readonly wire: () => Promise<WireTally>
  /** Put something on the wire, from here to there, that the other side must refuse. */
  readonly foul: (kind: Foul) => Promise<void>
  /** Take the kernel's part of it away behind the dataplane's back. Only of a kernel's. */
  readonly flush: () => Promise<void>
  /** What is left of the dataplane in the underlay's namespace, one thing an entry. */
  readonly remains: () => Promise<readonly string[]>
  /** Remove namespaces and all. */
  readonly dispose: () => Promise<void>
}

/** Names of all of them, for whoever passes them on. */
export const ENCRYPTED_HOST_METHODS = [
  ...['open', 'close', 'apply', 'changesAgain', 'items', 'dropped', 'drifted', 'pump'],
  ...['stream', 'restream', 'transfer', 'wire', 'foul', 'flush', 'remains', 'dispose'],
] as readonly (keyof EncryptedHost)[]

/** The network that both are on. */
export const PAIR_VNI = vni(4096)
/** Of the tunnel. */
export const PAIR_PORT = 4789
/** What only the overlay may know: it is in every datagram and every transfer. */
export const PAIR_SECRET = 'what only the overlay may know'

/** A host's address on the underlay. */
export function pairIp(number: number): Ip {
  return parseIp(`192.0.2.${number}`)
}

/** Its container's address on the overlay. */
export function innerIp(number: number): Ip {
  return parseIp(`10.0.1.${number + 1}`)
}

/** The container's MAC. */
export function innerMac(number: number): Mac {
  return parseMac(`02:42:0a:00:01:0${number + 1}`)
}
