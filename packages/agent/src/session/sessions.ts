/** Keeps a session with some manager open, one after the other (docker-wire §7.6). */
import {
  describeError,
  hasCode,
  type Cancellable,
  type Clock,
  type Instant,
  type Logger,
  type Random,
} from '@weft/core'
import {
  Backoff,
  Remotes,
  remotesOf,
  swarmError,
  type AssignmentsMessage,
  type CallOptions,
  type ManagerConnection,
  type ManagerDialer,
  type NodeDescription,
  type NodeIdentity,
  type Remote,
  type SessionMessage,
} from '@weft/swarm'
import type { AgentTunables } from '../agent-options.ts'
import { CancelSource } from '../async/cancel-source.ts'
import { sleep, unlessCancelled } from '../async/waiting.ts'
import { holdSession } from './manager-session.ts'
import type { StatusReports } from './status-reports.ts'

/** Who is told. */
export interface SessionsListener {
  message(message: SessionMessage): void
  assigned(message: AssignmentsMessage): boolean
  assignmentsBegin(): void
  /** A session began or ended, or the problem changed. */
  changed(): void
}

/** What sessions need. */
export interface SessionsParts {
  readonly dialer: ManagerDialer
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly tunables: AgentTunables
  readonly reports: StatusReports
  readonly identity: () => NodeIdentity
  readonly describe: () => Promise<NodeDescription>
}

interface Waiter {
  readonly resolve: (connection: ManagerConnection) => void
  readonly reject: (error: unknown) => void
}

/** Why a session was ended on purpose: the next one begins at once. */
const REOPEN = Symbol('reopen')

/** One session at a time, with the manager that chance and experience pick. */
export class Sessions {
  readonly remotes: Remotes
  readonly #parts: SessionsParts
  readonly #listener: SessionsListener
  readonly #backoff: Backoff
  readonly #stop = new CancelSource()
  readonly #waiters = new Set<Waiter>()
  #current: CancelSource = new CancelSource()
  #connection: ManagerConnection | null = null
  #beganAt: Instant
  #sessionId = ''
  #problem = ''
  #removed: Error | null = null
  #running: Promise<void> | null = null

  constructor(managers: readonly string[], parts: SessionsParts, listener: SessionsListener) {
    const { backoffMsMin, backoffMsMax } = parts.tunables
    this.remotes = new Remotes(managers)
    this.#parts = parts
    this.#listener = listener
    this.#beganAt = parts.clock.now()
    const range = { firstMs: backoffMsMin, lastMs: backoffMsMax }
    this.#backoff = new Backoff(range, parts.random.fork('backoff'))
  }

  /** True while a session is open. */
  get isOpen(): boolean {
    return this.#connection !== null
  }

  /** Why there is no session; empty while there is one. */
  get problem(): string {
    return this.#problem
  }

  /** Not null: the node was removed from its swarm, and no manager is asked any more. */
  get removed(): Error | null {
    return this.#removed
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** End the session now open and begin another: description or identity changed. */
  reopen(): void {
    this.#current.cancel(REOPEN)
  }

  /** Call a manager, once there is a session. Throws what `act` does, and the signal's reason. */
  async call<Result>(
    act: (connection: ManagerConnection, options: CallOptions) => Promise<Result>,
    { signal }: Cancellable = {},
  ): Promise<Result> {
    const connection = this.#connection ?? (await unlessCancelled(this.#opened(), signal))
    const timeoutMs = this.#parts.tunables.callMsMax
    return act(connection, signal === undefined ? { timeoutMs } : { timeoutMs, signal })
  }

  async close(): Promise<void> {
    const error = swarmError('ERR_UNAVAILABLE', 'the node stops', { subject: 'session' })
    this.#stop.cancel(error)
    this.#current.cancel(error)
    this.#failWaiters(error)
    await this.#running
  }

  #opened(): Promise<ManagerConnection> {
    const { promise, resolve, reject } = Promise.withResolvers<ManagerConnection>()
    const over = this.#removed ?? (this.#stop.aborted ? this.#stop.reason : null)
    if (over !== null) reject(over)
    else this.#waiters.add({ resolve, reject })
    return promise
  }

  async #run(): Promise<void> {
    const { random, clock, log } = this.#parts
    const choice = random.fork('managers')
    const isOver = (): boolean => this.#removed !== null || this.#stop.aborted
    while (!isOver()) {
      const remote = this.remotes.choose(choice)
      const error = await this.#attempt(remote)
      this.#ended(remote, error)
      if (isOver()) break
      if (error === REOPEN) continue
      log.info('no session with a manager', { manager: remote?.address, reason: this.#problem })
      await sleep(clock, this.#backoff.nextMs(), this.#stop).catch(() => undefined)
    }
  }

  /** Hold a session; resolves with why it ended. */
  async #attempt(remote: Remote | null): Promise<unknown> {
    if (remote === null) {
      return swarmError('ERR_UNAVAILABLE', 'no manager is known', { subject: 'session' })
    }
    this.#current = new CancelSource()
    try {
      await this.#hold(remote)
      return null
    } catch (error) {
      return error
    }
  }

  async #hold(remote: Remote): Promise<void> {
    const { dialer, identity, describe, reports, clock, tunables } = this.#parts
    const trust = { kind: 'identity', identity: identity() } as const
    // Throws for an address that is none: managers may name what they like.
    await using connection = dialer.dial(remote.address, trust)
    const description = await describe()
    const parts = { connection, description, reports, clock, tunables }
    const sessionId = this.#sessionId
    await holdSession({ ...parts, sessionId }, this.#heard(remote, connection), this.#current)
  }

  #heard(remote: Remote, connection: ManagerConnection): Parameters<typeof holdSession>[1] {
    return {
      message: (message) => {
        this.#sessionId = message.sessionId
        const managers = remotesOf(message.managers)
        // A manager that names nobody, not even itself, is not worth forgetting all others for.
        if (managers.length > 0) this.remotes.replace(managers)
        this.#listener.message(message)
        if (this.#connection === null) this.#began(remote, connection)
      },
      assigned: (message) => this.#listener.assigned(message),
      assignmentsBegin: () => this.#listener.assignmentsBegin(),
    }
  }

  #began(remote: Remote, connection: ManagerConnection): void {
    this.#connection = connection
    this.#problem = ''
    this.#beganAt = this.#parts.clock.now()
    this.remotes.observe(remote.address, true)
    for (const { resolve } of this.#waiters) resolve(connection)
    this.#waiters.clear()
    this.#listener.changed()
  }

  #ended(remote: Remote | null, error: unknown): void {
    const { clock, tunables } = this.#parts
    // A session that breaks as soon as it begins is no reason to be quick about the next.
    const hasLasted = clock.now() - this.#beganAt >= tunables.backoffMsMax
    if (this.#connection !== null && hasLasted) this.#backoff.reset()
    this.#connection = null
    if (error === REOPEN) return
    if (remote !== null) this.remotes.observe(remote.address, false)
    this.#problem = describeError(error)
    if (wasRemoved(error)) {
      this.#removed = error
      this.#failWaiters(error)
    }
    this.#listener.changed()
  }

  #failWaiters(error: unknown): void {
    for (const { reject } of this.#waiters) reject(error)
    this.#waiters.clear()
  }
}

/** What a manager says to a node that it does not have any more, whatever it calls. */
export function wasRemoved(error: unknown): error is Error {
  return hasCode(error, 'ERR_PERMISSION_DENIED') && error.message.includes('removed from swarm')
}
