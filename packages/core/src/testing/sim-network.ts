/** A network in memory, on virtual time: hosts, links between them, and all that goes wrong. */
import { assert } from '../assert.ts'
import type { Random } from '../chance.ts'
import type { Clock, Instant } from '../clock.ts'
import { ipFamily, parseIp, type Ip } from '../ip.ts'
import type { SocketAddress } from '../socket-address.ts'
import { SimHost } from './sim-host.ts'
import {
  emptyTally,
  perfectLink,
  SimLink,
  type LinkCounters,
  type LinkSettings,
  type LossReason,
} from './sim-link.ts'

/** Something seen on a link. `bytes` is the observer's to keep. */
export interface Crossing {
  readonly kind: 'send' | 'deliver' | 'lose'
  readonly at: Instant
  /** `from>to`, by host names; `from>?` when no host has the address. */
  readonly link: string
  readonly from: SocketAddress
  readonly to: SocketAddress
  readonly bytes: Uint8Array
  /** Why it was lost, for `lose`. */
  readonly reason: LossReason | null
}

/** Everything a network is made from. */
export interface SimNetworkOptions {
  readonly clock: Clock
  readonly random: Random
  /** What a link is like until it is configured; `perfectLink` when not given. */
  readonly link?: LinkSettings
  /** Which addresses have a route to which, as routers and subnets decide; all when not given. */
  readonly routes?: (from: Ip, to: Ip) => boolean
}

/** Two directions handled as one. */
export interface LinkPair {
  configure(changes: Partial<LinkSettings>): void
  cut(): void
  heal(): void
}

interface Datagram {
  readonly bytes: Uint8Array
  readonly from: SocketAddress
  readonly to: SocketAddress
  readonly link: SimLink
}

/**
 * Every pair of hosts has a link each way, and each direction draws from a random stream of its
 * own: traffic elsewhere never changes what happens here.
 */
export class SimNetwork {
  readonly #options: SimNetworkOptions
  readonly #hosts = new Map<string, SimHost>()
  readonly #hostOf = new Map<Ip, SimHost>()
  readonly #links = new Map<string, SimLink>()
  readonly #observers = new Set<{ see: (crossing: Crossing) => void }>()

  constructor(options: SimNetworkOptions) {
    this.#options = options
  }

  /** Add a host. Names and addresses are given once each. Throws ERR_INVALID_VALUE. */
  host(name: string, addresses: readonly string[]): SimHost {
    assert(!this.#hosts.has(name), 'a host name is given once')
    const ips = addresses.map(parseIp)
    const host: SimHost = new SimHost(name, ips, {
      transmit: (bytes, from, to) => this.#transmit(host, { bytes, from, to }),
      noRoute: () => this.#lostAtOnce(`${name}>?`, 'unreachable'),
    })
    for (const ip of ips) {
      assert(!this.#hostOf.has(ip), 'an address belongs to one host')
      this.#hostOf.set(ip, host)
    }
    this.#hosts.set(name, host)
    return host
  }

  /** One direction, by host names. */
  link(from: string, to: string): SimLink {
    assert(this.#hosts.has(from) && this.#hosts.has(to), 'a link joins two known hosts')
    return this.#linkNamed(`${from}>${to}`, from === to)
  }

  /** Both directions at once. */
  between(a: string, b: string): LinkPair {
    const both = [this.link(a, b), this.link(b, a)]
    return {
      configure: (changes) => both.forEach((link) => link.configure(changes)),
      cut: () => both.forEach((link) => link.cut()),
      heal: () => both.forEach((link) => link.heal()),
    }
  }

  /** See everything that enters, leaves or is lost on any link, until disposed. */
  capture(see: (crossing: Crossing) => void): Disposable {
    const observer = { see }
    this.#observers.add(observer)
    return { [Symbol.dispose]: () => void this.#observers.delete(observer) }
  }

  /** The sum over all links. */
  counters(): LinkCounters {
    const sum = emptyTally()
    for (const { tally } of this.#links.values()) {
      for (const key of ['sent', 'duplicated', 'delivered', 'inFlight'] as const) {
        sum[key] += tally[key]
      }
      for (const reason of Object.keys(sum.lost) as LossReason[]) {
        sum.lost[reason] += tally.lost[reason]
      }
    }
    return sum
  }

  #linkNamed(name: string, isLoopback: boolean): SimLink {
    const known = this.#links.get(name)
    if (known !== undefined) return known
    const outside = this.#options.link ?? perfectLink
    const settings = isLoopback ? { ...perfectLink, delayMs: 0, mtuBytes: 65_536 } : outside
    const link = new SimLink(name, this.#options.random.fork(name), settings)
    this.#links.set(name, link)
    return link
  }

  #transmit(host: SimHost, sent: Omit<Datagram, 'link'>): void {
    const { from, to } = sent
    const target = this.#hostOf.get(to.ip)
    const link = this.#linkNamed(`${host.name}>${target?.name ?? '?'}`, target === host)
    const datagram = { link, from, to, bytes: sent.bytes.slice() }
    link.tally.sent++
    this.#show('send', datagram, null)
    if (target === undefined) return this.#lose(datagram, 'no-host')
    if (!this.#hasRoute(from.ip, to.ip)) return this.#lose(datagram, 'unreachable')
    const { clock } = this.#options
    const outcome = link.transmit(clock.now(), datagram.bytes.length, ipFamily(to.ip))
    if (typeof outcome === 'string') return this.#lose(datagram, outcome)
    link.tally.duplicated += outcome.length - 1
    link.tally.inFlight += outcome.length
    for (const at of outcome) {
      clock.schedule(at as Instant, () => this.#arrive(target, datagram))
    }
  }

  #hasRoute(from: Ip, to: Ip): boolean {
    return this.#options.routes?.(from, to) ?? true
  }

  #arrive(target: SimHost, datagram: Datagram): void {
    const { link, bytes, from, to } = datagram
    link.tally.inFlight--
    if (link.isCut) return this.#lose(datagram, 'cut')
    const listener = target.listenerAt(to)
    if (listener === null) return this.#lose(datagram, 'no-socket')
    link.tally.delivered++
    this.#show('deliver', datagram, null)
    listener(bytes.slice(), from)
  }

  #lose(datagram: Datagram, reason: LossReason): void {
    datagram.link.tally.lost[reason]++
    this.#show('lose', datagram, reason)
  }

  #lostAtOnce(link: string, reason: LossReason): void {
    const { tally } = this.#linkNamed(link, false)
    tally.sent++
    tally.lost[reason]++
  }

  #show(kind: Crossing['kind'], datagram: Datagram, reason: LossReason | null): void {
    const { bytes, from, to, link } = datagram
    const at = this.#options.clock.now()
    for (const { see } of [...this.#observers]) {
      see({ kind, at, link: link.name, from, to, bytes: bytes.slice(), reason })
    }
  }
}
