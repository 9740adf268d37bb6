/** Where a node stands, and how it gets from there to elsewhere: one change at a time. */
import { Emitter, type CancelSignal } from '@weft/core'
import type { Control, ClusterNodeEvents, ClusterNodeView, LocalNodeState } from '@weft/swarm'
import { swarmError } from '@weft/swarm'
import { awaitActive, JOIN_MS_MAX, raceTimer } from './await-active.ts'
import type { CloseMode } from './close-list.ts'
import { forgetCluster } from './enter-cluster.ts'
import type { Member, Surroundings } from './member.ts'
import { sdkError } from './sdk-errors.ts'

/** A way to become a member. */
export type Enter = (around: Surroundings, signal: AbortSignal) => Promise<Member>

type Phase =
  | { readonly kind: 'inactive' }
  | { readonly kind: 'entering'; readonly done: Promise<unknown> }
  | { readonly kind: 'member'; readonly member: Member }
  | { readonly kind: 'leaving'; readonly done: Promise<void> }
  | { readonly kind: 'failed'; readonly error: Error }
  | { readonly kind: 'closed' }

const EXISTS =
  'This node is already part of a swarm. Use "docker swarm leave" to leave this swarm and join ' +
  'another one.'
const NO_SWARM = 'This node is not part of a swarm'
const TIMED_OUT =
  'Timeout was reached before node joined. The attempt to join the swarm will continue in the ' +
  'background. Use the "docker info" command to see the current swarm status of your node.'
const LAST_MANAGER =
  'You are attempting to leave the swarm on a node that is participating as a manager. Removing ' +
  'the last manager erases all current state of the swarm. Use `--force` to ignore this message. '

/** Enters a cluster, is a member of it, and leaves it. Nothing half-made stays behind a failure. */
export class Lifecycle {
  readonly events = new Emitter<ClusterNodeEvents>()
  readonly #around: Surroundings
  /** What is being waited for, for as long as it takes: becoming active goes on as a member. */
  #attempt: AbortController | null = null
  #phase: Phase = { kind: 'inactive' }

  constructor(around: Surroundings) {
    this.#around = around
  }

  /** The member that is at work; ERR_PRECONDITION when there is none. */
  get member(): Member {
    if (this.#phase.kind === 'member') return this.#phase.member
    throw swarmError('ERR_PRECONDITION', NO_SWARM, { subject: 'node' })
  }

  get memberOrNull(): Member | null {
    return this.#phase.kind === 'member' ? this.#phase.member : null
  }

  get control(): Control | null {
    return this.memberOrNull?.manager?.control ?? null
  }

  view(): ClusterNodeView {
    const phase = this.#phase
    if (phase.kind === 'member') return phase.member.agent.view()
    const { machine, dataplane } = this.#around.options
    return {
      state: STATES[phase.kind],
      error: phase.kind === 'failed' ? phase.error.message : '',
      nodeId: '',
      clusterId: '',
      role: null,
      nodeAddress: '',
      managers: [],
      connected: false,
      hostname: machine.hostname,
      dataplane: dataplane.backend.name,
      ready: true,
    }
  }

  /** Take up what was there before a restart. */
  resume(member: Member): void {
    this.#becomeMember(member)
  }

  /**
   * Become a member, or be as before. After JOIN_MS_MAX it throws ERR_UNAVAILABLE and goes on by
   * itself. Throws ERR_PRECONDITION when the node is, or is becoming, part of a cluster.
   */
  async enter(enter: Enter, signal?: CancelSignal): Promise<Member> {
    this.#refuseUnlessInactive('enter a cluster')
    const attempt = new AbortController()
    this.#attempt = attempt
    using _abort = forwardAbort(signal, attempt)
    const late = { isLate: false }
    const done = this.#entering(enter, attempt.signal, late)
    this.#setPhase({ kind: 'entering', done })
    const { clock } = this.#around.options.runtime
    const member = await raceTimer(clock, JOIN_MS_MAX, done)
    if (member !== null) return member
    late.isLate = true
    done.catch(() => undefined)
    throw swarmError('ERR_UNAVAILABLE', TIMED_OUT, { subject: 'join' })
  }

  /**
   * Leave, whatever the manager or peers say to it. ERR_PRECONDITION for a manager without
   * `force`; a cluster with one manager ends with it.
   */
  async leave(force: boolean, signal?: CancelSignal): Promise<void> {
    const phase = this.#phase
    if (phase.kind === 'leaving') return phase.done
    if (phase.kind === 'entering') return this.#callOff(phase.done)
    if (phase.kind === 'failed') {
      this.#setPhase({ kind: 'inactive' })
      return
    }
    const { member } = this
    if (member.manager !== null && !force) {
      throw swarmError('ERR_PRECONDITION', LAST_MANAGER, { subject: 'manager' })
    }
    const done = this.#leaving(member, signal)
    this.#setPhase({ kind: 'leaving', done })
    this.#abortAttempt()
    return done
  }

  /** Stop. `detach` leaves forwarding as it is, for the next start. */
  async close(mode: CloseMode): Promise<void> {
    const phase = this.#phase
    if (phase.kind === 'closed') return
    if (phase.kind === 'entering') await this.#callOff(phase.done)
    if (phase.kind === 'leaving') await phase.done.catch(() => undefined)
    const member = this.memberOrNull
    this.#setPhase({ kind: 'closed' })
    this.#abortAttempt()
    try {
      await member?.close(mode)
    } finally {
      await this.#around.places.close()
    }
  }

  async #entering(enter: Enter, signal: AbortSignal, late: { isLate: boolean }): Promise<Member> {
    // The phase is set by whoever called, before anything happens here.
    await Promise.resolve()
    try {
      signal.throwIfAborted()
      const member = await enter(this.#around, signal)
      this.#becomeMember(member)
      await awaitActive(member.agent, signal)
      return member
    } catch (error) {
      const { kind } = this.#phase
      // Whoever closes the node or leaves meanwhile sees to the rest.
      if (kind === 'closed' || kind === 'leaving') throw error
      const member = this.memberOrNull
      if (member !== null) await this.#undo(member)
      const failure = error as Error
      const isFailed = late.isLate && !signal.aborted
      this.#setPhase(isFailed ? { kind: 'failed', error: failure } : { kind: 'inactive' })
      if (isFailed) this.#around.options.log.warn('joining failed', { error: failure })
      throw error
    }
  }

  async #undo(member: Member): Promise<void> {
    await member.close('teardown')
    await forgetCluster(this.#around)
  }

  async #leaving(member: Member, signal?: CancelSignal): Promise<void> {
    const { records, options } = this.#around
    // The phase is set by whoever called, before anything happens here.
    await Promise.resolve()
    try {
      member.forget()
      // From here on a restart goes on with leaving.
      await records.save({ kind: 'unfinished' })
      const cancel = signal === undefined ? {} : { signal }
      await member.agent.leave(cancel).catch((error: unknown) => {
        options.log.warn('left without telling everybody', { error })
      })
      await member.close('teardown')
      await forgetCluster(this.#around)
    } finally {
      this.#setPhase({ kind: 'inactive' })
    }
  }

  async #callOff(done: Promise<unknown>): Promise<void> {
    this.#abortAttempt()
    await done.catch(() => undefined)
  }

  #abortAttempt(): void {
    const facts = { subject: 'join' }
    this.#attempt?.abort(swarmError('ERR_ABORTED', 'called off before the node had joined', facts))
  }

  #becomeMember(member: Member): void {
    const { events } = member.agent
    for (const name of ['changed', 'attachmentsChanged', 'networksChanged'] as const) {
      events.on(name, (event) => this.events.emit(name, event))
    }
    this.#setPhase({ kind: 'member', member })
  }

  #setPhase(phase: Phase): void {
    this.#phase = phase
    this.events.emit('changed', {})
  }

  #refuseUnlessInactive(operation: string): void {
    const { kind } = this.#phase
    if (kind === 'inactive') return
    if (kind === 'closed') throw sdkError('ERR_NODE_CLOSED', 'the node is closed', { operation })
    throw swarmError('ERR_PRECONDITION', EXISTS, { subject: 'node' })
  }
}

const STATES: { readonly [Kind in Exclude<Phase['kind'], 'member'>]: LocalNodeState } = {
  inactive: 'inactive',
  entering: 'pending',
  leaving: 'pending',
  failed: 'error',
  closed: 'inactive',
}

function forwardAbort(signal: CancelSignal | undefined, abort: AbortController): Disposable {
  const forward = (): void => abort.abort(signal?.reason)
  if (signal?.aborted === true) forward()
  signal?.addEventListener('abort', forward)
  return { [Symbol.dispose]: () => signal?.removeEventListener('abort', forward) }
}
