/** A small IP host behind a frame port: what makes a program part of a network. */
import {
  assert,
  type Clock,
  type InterfaceAddress,
  type Instant,
  type Ip,
  type Random,
} from '@weft/core'
import type { FramePort } from '@weft/dataplane'
import { ethernet, ETHER_TYPE } from '@weft/wire'
import { Addressing, type StackConfig } from './addressing.ts'
import { readQuote } from './icmp-error.ts'
import { NeighbourCache } from './neighbour-cache.ts'
import { neighbourQuestion } from './neighbour-messages.ts'
import { Outlet } from './outlet.ts'
import { Pings, type PingOptions, type PingReply } from './pings.ts'
import { Receiver, type Arrival } from './receiver.ts'
import { Tally, type StackCounters } from './stack-counters.ts'
import { stackError } from './stack-errors.ts'
import { TokenBucket } from './token-bucket.ts'
import { UdpPorts } from './udp-ports.ts'
import type { UdpSocket } from './udp-socket.ts'

/** Frames that wait for the stack's next turn; beyond them new ones are dropped. */
export const INBOX_LENGTH_MAX = 1024

/** ICMP errors that a stack sends, a second. */
export const ERRORS_PER_SECOND_MAX = 100

/** What a stack needs of its surroundings. */
export interface StackPorts {
  readonly clock: Clock
  readonly random: Random
}

/**
 * ARP, neighbour discovery, ICMP and UDP of one interface. Frames are handled one turn after they
 * were delivered, as the contract of FramePort asks. Nothing in a frame can make it throw.
 */
export class NetStack implements FramePort, Disposable {
  readonly #clock: Clock
  readonly #tally = new Tally()
  readonly #neighbours: NeighbourCache
  readonly #outlet: Outlet
  readonly #pings: Pings
  readonly #udpPorts: UdpPorts
  readonly #receiver: Receiver
  #addressing: Addressing | null = null
  #addresses: readonly InterfaceAddress[] = []
  #cable: ((frame: Uint8Array) => void) | null = null
  #inbox: Arrival[] = []
  #turn: Disposable | null = null
  #alarm: { readonly at: Instant; readonly timer: Disposable } | null = null
  #isClosed = false

  constructor({ clock, random }: StackPorts) {
    this.#clock = clock
    const addressing = (): Addressing | null => this.#addressing
    const transmit = (frame: Uint8Array): void => this.#transmit(frame)
    this.#neighbours = new NeighbourCache({
      ask: (ip) => this.#ask(ip),
      transmit,
      failed: (frame) => this.#undeliverable(frame),
      overflow: (reason) => this.#tally.unsent(reason),
    })
    this.#outlet = new Outlet({
      clock,
      neighbours: this.#neighbours,
      addressing,
      loop: (frame) => this.#enqueue(frame, true),
      unsent: (drop) => this.#tally.unsent(drop),
      rearm: () => this.#rearm(),
    })
    this.#pings = new Pings({ clock, random, outlet: this.#outlet })
    this.#udpPorts = new UdpPorts(this.#outlet, random)
    this.#receiver = new Receiver({
      neighbours: this.#neighbours,
      outlet: this.#outlet,
      pings: this.#pings,
      udpPorts: this.#udpPorts,
      errorRate: new TokenBucket(ERRORS_PER_SECOND_MAX, clock.now()),
      addressing,
      transmit,
      errorHeldBack: () => this.#tally.unsent('error-rate'),
    })
  }

  /** False once the stack was closed. */
  get present(): boolean {
    return !this.#isClosed
  }

  /** Addresses as they were configured; empty before. */
  get addresses(): readonly InterfaceAddress[] {
    return this.#addresses
  }

  deliver(frame: Uint8Array): void {
    this.#enqueue(frame, false)
  }

  connect(transmit: ((frame: Uint8Array) => void) | null): void {
    this.#cable = transmit
  }

  /**
   * Take up MAC, addresses, gateways and MTU, which the attachment tells; again when they change.
   * What waited for neighbours is lost then. Throws ERR_INVALID_VALUE, and changes nothing;
   * ERR_CLOSED.
   */
  configure(config: StackConfig): void {
    this.#checkOpen()
    const addressing = new Addressing(config)
    this.#neighbours.clear()
    this.#addressing = addressing
    this.#addresses = config.addresses
    this.#rearm()
  }

  /**
   * Ask whether an address is there. Throws ERR_NO_ANSWER after `timeoutMs`, ERR_UNREACHABLE when
   * somebody says so or the next hop is not there, ERR_NO_ROUTE, ERR_MESSAGE_TOO_LONG,
   * ERR_TOO_MANY, ERR_INVALID_VALUE, ERR_CLOSED, and the signal's reason.
   */
  async ping(destination: Ip, options?: PingOptions): Promise<PingReply> {
    this.#checkOpen()
    return this.#pings.ping(destination, options)
  }

  /**
   * A socket on a port, a free one if none is given. Throws ERR_ADDRESS_IN_USE, ERR_TOO_MANY,
   * ERR_INVALID_VALUE, ERR_CLOSED.
   */
  bindUdp({ port }: { readonly port?: number } = {}): UdpSocket {
    this.#checkOpen()
    return this.#udpPorts.bind(port)
  }

  counters(): StackCounters {
    return this.#tally.read()
  }

  /** Close: sockets end, pings fail with ERR_CLOSED, an attached endpoint is cleaned up. */
  [Symbol.dispose](): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#inbox = []
    this.#turn?.[Symbol.dispose]()
    this.#pings.close()
    this.#udpPorts.close()
    this.#neighbours.clear()
    this.#rearm()
  }

  #checkOpen(): void {
    if (this.#isClosed) throw stackError('ERR_CLOSED', 'the stack was closed', { what: 'stack' })
  }

  #enqueue(frame: Uint8Array, isLooped: boolean): void {
    if (this.#isClosed) return
    if (this.#inbox.length >= INBOX_LENGTH_MAX) return this.#tally.received('inbox-full')
    const at = this.#clock.now()
    this.#inbox.push({ frame, at, isLooped })
    this.#turn ??= this.#clock.schedule(at, () => this.#takeTurn())
  }

  #takeTurn(): void {
    this.#turn = null
    for (const arrival of this.#inbox.splice(0)) {
      this.#tally.received(this.#receiver.receive(arrival))
    }
    this.#rearm()
  }

  #transmit(frame: Uint8Array): void {
    if (this.#cable === null) return this.#tally.unsent('no-cable')
    this.#tally.transmitted()
    this.#cable(frame)
  }

  #ask(ip: Ip): void {
    assert(this.#addressing !== null, 'neighbours are asked for by who has an address')
    const question = neighbourQuestion(this.#addressing, ip)
    if (question !== null) this.#transmit(question)
  }

  /** A frame of ours that waited in vain. */
  #undeliverable(frame: Uint8Array): void {
    this.#tally.unsent('no-neighbour')
    const family = ethernet.etherType(frame, 0) === ETHER_TYPE.ipv6 ? 6 : 4
    const window = { start: ethernet.headerLength, end: frame.length }
    const quote = readQuote(frame, window, family)
    this.#receiver.failed(quote, { reason: 'no-neighbour', reportedBy: null, mtuBytes: null })
  }

  /** Be there when a neighbour is to be asked again. */
  #rearm(): void {
    const at = this.#neighbours.nextDeadline()
    if (at === (this.#alarm?.at ?? null)) return
    this.#alarm?.timer[Symbol.dispose]()
    this.#alarm = at === null ? null : { at, timer: this.#clock.schedule(at, () => this.#ring()) }
  }

  #ring(): void {
    this.#alarm = null
    this.#neighbours.tick(this.#clock.now())
    this.#rearm()
  }
}
