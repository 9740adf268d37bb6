/** Which MAC an address has: asked for, kept a while, asked for again (RFC 826, RFC 4861 §7). */
import { instantAfter, writeMac, type Instant, type Ip, type Mac } from '@weft/core'
import { ETHERNET_OFFSET } from '@weft/wire'

/** Neighbours that are known or asked for at a time. */
export const NEIGHBOURS_MAX = 1024

/** Frames that wait for one neighbour; beyond them the oldest is lost (RFC 4861 §7.2.2). */
export const NEIGHBOUR_QUEUE_LENGTH_MAX = 16

/** How often a neighbour is asked for (RFC 4861 §10, MAX_MULTICAST_SOLICIT). */
export const NEIGHBOUR_TRIES_MAX = 3

/** Between two tries, in milliseconds (RFC 4861 §10, RETRANS_TIMER). */
export const NEIGHBOUR_RETRY_MS = 1_000

/** How long an answer counts, in milliseconds (RFC 4861 §10, REACHABLE_TIME). */
export const NEIGHBOUR_REACHABLE_MS = 30_000

/** What a cache does through others. Whole frames lack nothing but their destination MAC. */
export interface NeighbourPorts {
  ask(ip: Ip): void
  transmit(frame: Uint8Array): void
  /** Nobody answered for the neighbour that this frame waited for. */
  failed(frame: Uint8Array): void
  /** A frame was lost for want of room. */
  overflow(reason: 'neighbour-queue-full' | 'neighbours-full'): void
}

/** What a message said about a neighbour. */
export interface NeighbourNews {
  readonly ip: Ip
  readonly mac: Mac
  /** It answers us: the neighbour hears us, too. */
  readonly isAnswer: boolean
  /** It counts although we know another MAC (RFC 4861 §7.2.5). */
  readonly overrides: boolean
  /** The neighbour turned to us, and is about to be answered: worth an entry. */
  readonly isForUs: boolean
}

interface Entry {
  /** Null until somebody said it. */
  mac: Mac | null
  /** Until then the MAC is used unasked. */
  freshUntil: Instant
  /** Questions without an answer; 0 when none is open. */
  tries: number
  askAgainAt: Instant
  readonly waiting: Uint8Array[]
}

/**
 * A state machine: it is handed `now`, and asked again at `nextDeadline`. Entries come from our own
 * wishes and from those who turn to us; what others shout only changes entries that are there.
 */
export class NeighbourCache {
  readonly #ports: NeighbourPorts
  /** The least recently used first. */
  readonly #entries = new Map<Ip, Entry>()
  /** Those with an open question, in the order of their next try: all wait equally long. */
  readonly #asking = new Set<Ip>()

  constructor(ports: NeighbourPorts) {
    this.#ports = ports
  }

  /** Send a frame to a neighbour, now or when its MAC is known. */
  send(now: Instant, ip: Ip, frame: Uint8Array): void {
    const entry = this.#use(ip) ?? this.#add(ip, { mac: null, freshUntil: now })
    if (entry === null) return this.#ports.overflow('neighbours-full')
    if (entry.mac !== null) this.#transmit(frame, entry.mac)
    else if (entry.waiting.push(frame) > NEIGHBOUR_QUEUE_LENGTH_MAX) {
      entry.waiting.shift()
      this.#ports.overflow('neighbour-queue-full')
    }
    if (entry.tries === 0 && now >= entry.freshUntil) this.#ask(now, ip, entry)
  }

  /** Somebody said where a neighbour is. Returns false when that concerns nobody. */
  heard(now: Instant, news: NeighbourNews): boolean {
    const { ip, mac, isAnswer, overrides, isForUs } = news
    const entry = this.#entries.get(ip)
    if (entry === undefined) {
      return isForUs && this.#add(ip, { mac, freshUntil: now }) !== null
    }
    const isChange = entry.mac !== mac
    if (isChange && entry.mac !== null && !overrides) {
      if (now < entry.freshUntil) entry.freshUntil = now
      return true
    }
    if (isAnswer) entry.freshUntil = instantAfter(now, NEIGHBOUR_REACHABLE_MS)
    else if (isChange) entry.freshUntil = now
    if (isAnswer || entry.mac === null) {
      entry.tries = 0
      this.#asking.delete(ip)
    }
    entry.mac = mac
    for (const frame of entry.waiting.splice(0)) this.#transmit(frame, mac)
    return true
  }

  /** When `tick` has something to do; null when nothing is open. */
  nextDeadline(): Instant | null {
    for (const ip of this.#asking) return this.#entries.get(ip)?.askAgainAt ?? null
    return null
  }

  /** Ask again, or give up, whatever is due. */
  tick(now: Instant): void {
    for (const ip of [...this.#asking]) {
      const entry = this.#entries.get(ip)
      if (entry === undefined || entry.tries === 0) continue
      if (entry.askAgainAt > now) return
      if (entry.tries < NEIGHBOUR_TRIES_MAX) this.#ask(now, ip, entry)
      else this.#giveUp(ip, entry)
    }
  }

  /** Forget all; what waits is lost, and its senders are told. */
  clear(): void {
    for (const [ip, entry] of [...this.#entries]) this.#giveUp(ip, entry)
  }

  #use(ip: Ip): Entry | undefined {
    const entry = this.#entries.get(ip)
    if (entry === undefined) return undefined
    this.#entries.delete(ip)
    this.#entries.set(ip, entry)
    return entry
  }

  /** Null when all there is room for are being asked for. */
  #add(ip: Ip, { mac, freshUntil }: Pick<Entry, 'mac' | 'freshUntil'>): Entry | null {
    if (this.#entries.size >= NEIGHBOURS_MAX) {
      const idle = this.#leastUsed()
      if (idle === null) return null
      this.#entries.delete(idle)
    }
    const entry: Entry = { mac, freshUntil, tries: 0, askAgainAt: freshUntil, waiting: [] }
    this.#entries.set(ip, entry)
    return entry
  }

  #leastUsed(): Ip | null {
    if (this.#asking.size === this.#entries.size) return null
    for (const [ip, { tries }] of this.#entries) if (tries === 0) return ip
    return null
  }

  #ask(now: Instant, ip: Ip, entry: Entry): void {
    entry.tries++
    entry.askAgainAt = instantAfter(now, NEIGHBOUR_RETRY_MS)
    this.#asking.delete(ip)
    this.#asking.add(ip)
    this.#ports.ask(ip)
  }

  #giveUp(ip: Ip, entry: Entry): void {
    this.#asking.delete(ip)
    this.#entries.delete(ip)
    for (const frame of entry.waiting.splice(0)) this.#ports.failed(frame)
  }

  #transmit(frame: Uint8Array, mac: Mac): void {
    writeMac(frame, ETHERNET_OFFSET.destination, mac)
    this.#ports.transmit(frame)
  }
}
