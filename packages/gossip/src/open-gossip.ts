/** Opens a gossip node on real ports: joins and leaves as promises. */
import { formatSocketAddress, type Instant, type SocketAddress } from '@weft/core'
import { Gossip, type GossipOptions } from './gossip.ts'
import { openShell, type Shell } from './gossip-shell.ts'
import { JoinAttempt, type JoinSignal } from './join-attempt.ts'
import type { GossipPorts } from './membership/membership-options.ts'
import { openGossipError } from './open-gossip-errors.ts'
import type { ShellPorts } from './shell-sockets.ts'

/** Who a node is, and where. Complete, as GossipOptions. */
export interface OpenGossipOptions extends Omit<GossipOptions, 'advertise'> {
  /** Where datagrams and streams arrive; port 0 picks a free one. */
  readonly bind: SocketAddress
  /** Where others reach it; null: where it is bound. Port 0: the port that it is bound to. */
  readonly advertise: SocketAddress | null
}

/** A gossip node at work. */
export interface GossipHandle extends AsyncDisposable {
  /** To look at. What changes it goes through `run`. */
  readonly gossip: Gossip
  /** Where it is bound. */
  readonly local: SocketAddress
  /** Call the node, then do what it asks for. Returns and throws what `act` does. */
  run<Result>(act: (gossip: Gossip, now: Instant) => Result): Result
  /**
   * Exchange states with the nodes at these addresses; done as soon as one has answered, or when
   * there is nobody but ourselves to ask. Throws ERR_JOIN_FAILED, and the signal's reason.
   */
  join(addresses: readonly SocketAddress[], options?: { signal?: JoinSignal }): Promise<void>
  /** Say goodbye; done when it was told widely enough. Close afterwards. */
  leave(): Promise<void>
  /** End everything at once, without a word to others. Joins under way fail. */
  close(): Promise<void>
}

/**
 * Bind, and begin as a ring of one. Throws ERR_ADDRESS_IN_USE, ERR_ADDRESS_NOT_LOCAL,
 * ERR_ADVERTISE_WILDCARD, ERR_NAME_SIZE, ERR_META_TOO_LARGE.
 */
export async function openGossip(
  options: OpenGossipOptions,
  ports: ShellPorts & GossipPorts,
): Promise<GossipHandle> {
  const { ip } = options.advertise ?? options.bind
  if (ip === '0.0.0.0' || ip === '::') {
    const bind = formatSocketAddress(options.bind)
    throw openGossipError('ERR_ADVERTISE_WILDCARD', 'no address that others can reach', { bind })
  }
  const make = (now: Instant, bound: SocketAddress): Gossip => {
    const port = options.advertise?.port ?? 0
    const advertise = { ip, port: port === 0 ? bound.port : port }
    return new Gossip(now, { ...options, advertise }, ports)
  }
  return new OpenGossip(await openShell(options.bind, ports, make), ports)
}

/** Joins wait for an event, leaving waits for the node's own deadlines. */
class OpenGossip implements GossipHandle {
  readonly gossip: Gossip
  readonly local: SocketAddress
  readonly #shell: Shell<Gossip>
  readonly #ports: ShellPorts
  readonly #joins = new Set<JoinAttempt>()
  #isClosed = false

  constructor(shell: Shell<Gossip>, ports: ShellPorts) {
    this.gossip = shell.core
    this.local = shell.local
    this.#shell = shell
    this.#ports = ports
  }

  run<Result>(act: (gossip: Gossip, now: Instant) => Result): Result {
    try {
      return act(this.gossip, this.#ports.clock.now())
    } finally {
      this.#shell.pump()
    }
  }

  async join(
    addresses: readonly SocketAddress[],
    { signal }: { readonly signal?: JoinSignal } = {},
  ): Promise<void> {
    const self = formatSocketAddress(this.gossip.membership.roster.self.address)
    const others = addresses.filter((address) => formatSocketAddress(address) !== self)
    if (others.length === 0) return
    const attempt = new JoinAttempt(others)
    using _signal = attempt.obey(signal)
    using _events = this.gossip.events.on('joinEnded', ({ address, reason }) => {
      attempt.ended(address, reason)
    })
    this.#joins.add(attempt)
    try {
      if (signal?.aborted !== true) this.run((gossip, now) => gossip.join(now, others))
      await attempt.done
    } finally {
      this.#joins.delete(attempt)
    }
  }

  async leave(): Promise<void> {
    this.run((gossip, now) => gossip.leave(now))
    while (!this.gossip.hasLeft && !this.#isClosed) {
      const next = this.gossip.nextDeadline()
      if (next === null) return
      // The shell's own timer for this instant was set before: it has run when this one does.
      await new Promise<void>((resolve) => void this.#ports.clock.schedule(next, resolve))
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const attempt of this.#joins) attempt.giveUp('the node was closed')
    await this.#shell.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
