/** Which node has which session, how long without a heartbeat, and how often it registered. */
import { instantAfter, type Clock, type Instant } from '@weft/core'
import { rateLimited } from './dispatcher-errors.ts'
import type { NodeSession } from './node-session.ts'
import type { ManagerTunables } from './tunables.ts'

/** A node that has a session. */
export interface Registration {
  readonly session: NodeSession
  /** The node is down unless it is heard of before. */
  expiresAt: Instant
  /** True from then on: heartbeats come too late. */
  isExpired: boolean
  timer: Disposable
  /** When the timer looks, which is not after `expiresAt`. */
  timerAt: Instant
}

/** What registrations need. */
export interface RegistrationOptions {
  readonly clock: Clock
  readonly tunables: ManagerTunables
  /** Time without a heartbeat until a node is down, in ms, as it is now. */
  readonly graceMs: () => number
  readonly onExpired: (registration: Registration) => void
}

/** At most one registration a node. */
export class Registrations {
  readonly #options: RegistrationOptions
  readonly #byNode = new Map<string, Registration>()
  readonly #recent = new Map<string, Instant[]>()

  constructor(options: RegistrationOptions) {
    this.#options = options
  }

  get(nodeId: string): Registration | null {
    return this.#byNode.get(nodeId) ?? null
  }

  all(): Iterable<Registration> {
    return this.#byNode.values()
  }

  /** Count a registration. Throws ERR_UNAVAILABLE when there were too many of late. */
  checkRate(nodeId: string): void {
    const { clock, tunables } = this.#options
    const since = instantAfter(clock.now(), -tunables.registrationWindowMs)
    const recent = (this.#recent.get(nodeId) ?? []).filter((at) => at > since)
    if (recent.length >= tunables.registrationsMax) throw rateLimited(nodeId)
    this.#recent.set(nodeId, [...recent, clock.now()])
  }

  /** Put a session in the place of the node's last one, which is returned. */
  add(session: NodeSession): { readonly added: Registration; readonly last: NodeSession | null } {
    const last = this.#byNode.get(session.nodeId) ?? null
    if (last !== null) last.timer[Symbol.dispose]()
    const expiresAt = this.#graceEnd()
    const timing = { expiresAt, timerAt: expiresAt, timer: NO_TIMER }
    const added: Registration = { session, isExpired: false, ...timing }
    this.#byNode.set(session.nodeId, added)
    this.#arm(added)
    return { added, last: last?.session ?? null }
  }

  /** The node was heard of. */
  refresh(registration: Registration): void {
    registration.expiresAt = this.#graceEnd()
    // The period has become shorter.
    if (registration.expiresAt < registration.timerAt) this.#arm(registration)
  }

  /** The node is down, but nobody knows yet: try again after another grace. */
  retry(registration: Registration): void {
    registration.expiresAt = this.#graceEnd()
    this.#arm(registration)
  }

  /** Let a registration go, if it is still the node's. */
  drop(registration: Registration): void {
    registration.timer[Symbol.dispose]()
    const { nodeId } = registration.session
    if (this.#byNode.get(nodeId) === registration) this.#byNode.delete(nodeId)
  }

  /** The node is no more. */
  forget(nodeId: string): void {
    this.#recent.delete(nodeId)
  }

  #graceEnd(): Instant {
    return instantAfter(this.#options.clock.now(), this.#options.graceMs())
  }

  /** One timer that looks again when it comes too early: heartbeats cost no timers. */
  #arm(registration: Registration): void {
    const { clock, onExpired } = this.#options
    registration.timer[Symbol.dispose]()
    registration.timerAt = registration.expiresAt
    registration.timer = clock.schedule(registration.expiresAt, () => {
      if (clock.now() < registration.expiresAt) {
        this.#arm(registration)
        return
      }
      registration.isExpired = true
      onExpired(registration)
    })
  }
}

const NO_TIMER: Disposable = { [Symbol.dispose]: () => undefined }
