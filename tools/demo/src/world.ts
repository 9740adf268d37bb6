/** The world the demo plays in: the scenario sees this and never a backend. */
import type { Ip, Mac, SocketAddress } from '@weft/core'
import type { ApplyReport, Attachment, DesiredState, ObservedState } from '@weft/dataplane'
import type { CastContainer } from './cast.ts'

/** A host of the underlay. */
export interface WorldHost {
  readonly name: string
  readonly vtep: SocketAddress
  /** Its underlay subnet, for the account. */
  readonly subnet: string
}

/** What came of one ICMP echo. */
export type PingOutcome =
  | { readonly ok: true; readonly ms: number }
  | { readonly ok: false; readonly reason: string; readonly mtuBytes: number | null }

/** What came of one transfer. */
export interface TransferOutcome {
  readonly bytes: number
  /** The receiver's digest equals the sender's. */
  readonly intact: boolean
  readonly ms: number
}

/** A frame that a host put on the underlay. */
export interface UnderlayFrame {
  readonly host: string
  /** Nanoseconds since 1970, on the machine's clock or the simulated one. */
  readonly timestampNs: bigint
  /** Cut to what a capture file keeps of bulk traffic. */
  readonly bytes: Uint8Array
  readonly originalLength: number
}

/** A steady stream of echoes, to count what is lost while something happens. */
export interface EchoStream {
  /** Wait until so many were sent in all, or until the patience is over. */
  reached(sent: number, patienceMs: number): Promise<void>
  /** Stop sending, wait for the last answers, say how many were sent and answered. */
  stop(): Promise<{ readonly sent: number; readonly answered: number }>
}

/** The dataplanes of the hosts, and the processes that own them. */
export interface WorldControl {
  apply(host: string, desired: DesiredState): Promise<ApplyReport>
  observe(host: string): Promise<ObservedState>
  /** SIGKILL, or what comes nearest, for the process that owns a host's dataplane. */
  killOwner(host: string): Promise<void>
  /** Whether forwarding outlives the owner of a host's dataplane. */
  isPersistent(host: string): boolean
  /** A successor opens the dataplane that the killed owner left. */
  succeed(host: string): Promise<void>
}

/** The containers, and what they say to each other. */
export interface WorldContainers {
  /** Make room for a container on its present host: what an endpoint will be attached to. */
  place(container: CastContainer): Promise<Attachment>
  /** Take away the room that a container has left. */
  vacate(container: CastContainer): Promise<void>
  /** One echo to `to` with so much ICMP payload; never fragmented at the source. */
  ping(from: CastContainer, to: Ip, payloadBytes: number): Promise<PingOutcome>
  transfer(from: CastContainer, to: CastContainer, bytes: number): Promise<TransferOutcome>
  stream(from: CastContainer, to: CastContainer): Promise<EchoStream>
  /** Forget what the container learnt of its neighbours, so that it asks again. */
  forgetNeighbours(container: CastContainer): void
  /**
   * Run `work`, which sends raw frames from inside containers, and hand back the frames that
   * arrived in each container meanwhile.
   */
  listening(
    work: (transmit: (from: CastContainer, frame: Uint8Array) => void) => Promise<void>,
  ): Promise<ReadonlyMap<CastContainer, readonly Uint8Array[]>>
}

/** What the hosts put on the underlay. */
export interface WorldCapture {
  /** Run `work` and hand back what was captured meanwhile, in order. */
  during(work: () => Promise<void>): Promise<readonly UnderlayFrame[]>
  /** Everything captured so far, for a capture file. */
  all(): Promise<readonly UnderlayFrame[]>
  /** Frames that went by in a window and were not seen. */
  lost(): number
  /** Frames outside of windows that are missing from `all`, for want of room. */
  omitted(): number
}

/** What a host has programmed, looked at and damaged from outside. */
export interface WorldTables {
  /** Delete the forwarding entry of a MAC behind the dataplane's back; returns the command used. */
  deleteForwarding(place: NetworkPlace, mac: Mac): Promise<string>
  /** Wait until the entry is back; the wait in ms, or null when it did not return in time. */
  forwardingReturned(place: NetworkPlace, mac: Mac): Promise<number | null>
  /** A text that differs whenever any device, entry or address on the host differs. */
  fingerprint(host: string): string
}

/** One network on one host. */
export interface NetworkPlace {
  readonly host: string
  readonly network: string
}

/** Hosts, containers and what can be done to them. */
export interface World {
  readonly backend: string
  /** A word about what it is made of, for the account. */
  readonly material: string
  readonly hosts: readonly WorldHost[]
  readonly control: WorldControl
  readonly containers: WorldContainers
  readonly capture: WorldCapture
  readonly tables: WorldTables
  /** Milliseconds on this world's clock. */
  now(): number
  /** Take everything down; what was left behind. */
  close(): Promise<readonly string[]>
  /** Leave everything up; how to enter it and how to remove it. */
  keep(): Promise<readonly string[]>
}
