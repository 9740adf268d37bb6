/** How an attachment comes to be, and how it ends: whole or not at all (docker-wire §7.12). */
import { create } from '@bufbuild/protobuf'
import {
  describeError,
  hasCode,
  type CancelSignal,
  type Cancellable,
  type Clock,
  type Entropy,
  type IpFamily,
  type Logger,
} from '@weft/core'
import type { ItemFailure } from '@weft/dataplane'
import {
  AttachNetworkRequestSchema,
  swarmError,
  TASK_STATE_MESSAGES,
  TaskState,
  type AttachmentRequest,
  type AttachmentView,
  type Task,
} from '@weft/swarm'
import type { AgentTunables } from '../agent-options.ts'
import { Turns } from '../async/turns.ts'
import { sleep, TimeLimit, unlessCancelled } from '../async/waiting.ts'
import type { Sessions } from '../session/sessions.ts'
import type { StatusReports } from '../session/status-reports.ts'
import type { AttachmentBook } from './attachment-book.ts'
import {
  attachmentView,
  createEndpointId,
  grantOf,
  pendingAttachment,
  type Attachment,
  type NamespaceHolder,
} from './attachment.ts'
import { endpointFailure } from './endpoint-failure.ts'
import type { Releases } from './releases.ts'

/** What attaching needs of the rest of the agent. */
export interface AttacherParts {
  readonly book: AttachmentBook
  readonly sessions: Pick<Sessions, 'call'>
  readonly reports: StatusReports
  readonly releases: Releases
  readonly clock: Clock
  readonly entropy: Entropy
  /** The process that a path in /proc means, with its namespace. */
  readonly holderOf: (path: string) => Promise<NamespaceHolder | null>
  /** The family of our VTEP. */
  readonly underlay: () => IpFamily
  readonly log: Logger
  readonly tunables: AgentTunables
  /** The book changed: resolves when the dataplane was told all of it. */
  readonly program: () => Promise<void>
  /** Items that are desired and not programmed. */
  readonly failures: () => ReadonlyMap<string, ItemFailure>
  /** The book changed: peers hear the difference. Throws ERR_ROW_TOO_LARGE. */
  readonly publish: () => void
  /** The book changed: resolves when it is written down. */
  readonly save: () => Promise<void>
  readonly onChange: () => void
}

/** Why a manager's answer is worth waiting for a second one. */
const RETRIED = ['ERR_UNAVAILABLE', 'ERR_ABORTED'] as const

/**
 * Endpoints that the dataplane is told of at a time. A kernel takes a millisecond or two for each,
 * during which a node hears and says nothing: heartbeats, and that peers learn where they are.
 */
export const PLUGGED_AT_ONCE_MAX = 8

interface Waiter {
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Attaches and detaches; any number at a time. */
export class Attacher {
  readonly #parts: AttacherParts
  /** Attachments that wait for their task, by endpoint ID. */
  readonly #waiters = new Map<string, Waiter>()
  readonly #turns: Turns

  constructor(parts: AttacherParts) {
    this.#parts = parts
    this.#turns = new Turns(parts.clock, PLUGGED_AT_ONCE_MAX)
  }

  async attach(
    request: AttachmentRequest,
    { signal }: Cancellable = {},
  ): Promise<AttachmentView> {
    const { book, clock, entropy, tunables } = this.#parts
    checkRequest(request)
    const attachment = pendingAttachment(createEndpointId(entropy), request)
    const expired = (): Error => late(attachment)
    using limit = new TimeLimit(clock, { ms: tunables.attachMsMax, signal }, expired)
    book.add(attachment)
    this.#parts.onChange()
    try {
      if (limit.aborted) throw limit.reason
      if (request.target.kind === 'netns') {
        attachment.holder = await this.#parts.holderOf(request.target.path)
      }
      await this.#grant(attachment, limit)
      await this.#plugIn(attachment, limit)
      await this.#settle(attachment, limit)
    } catch (error) {
      await this.remove(attachment, 'release')
      throw error
    } finally {
      this.#waiters.delete(attachment.endpointId)
    }
    return attachmentView(attachment, this.#parts.underlay())
  }

  /**
   * A task for an attachment that was granted nothing yet; false when it waits for none. The grant
   * counts from here on: the very next message may take it back.
   */
  assigned(attachment: Attachment, task: Task): boolean {
    const waiter = this.#waiters.get(attachment.endpointId)
    if (waiter === undefined) return false
    this.#waiters.delete(attachment.endpointId)
    try {
      attachment.grant = grantOf(task)
      waiter.resolve()
    } catch (error) {
      void this.#parts.releases.release(task.id)
      waiter.reject(error)
    }
    return true
  }

  /** The manager gave up a task before anything was granted. */
  refused(endpointId: string, error: Error): void {
    this.#waiters.get(endpointId)?.reject(error)
  }

  /**
   * Take an attachment away: rows first, so that peers stop sending, then the endpoint. With
   * 'release' its manager is told; with 'forget' it is the manager that has said so. Never throws.
   */
  async remove(attachment: Attachment, how: 'release' | 'forget'): Promise<void> {
    const { book, reports, releases, log } = this.#parts
    if (!book.remove(attachment)) return
    const taskId = attachment.grant?.taskId ?? ''
    this.#parts.onChange()
    const steps = [
      async (): Promise<void> => this.#parts.publish(),
      () => this.#parts.program(),
      async () => {
        if (taskId === '') return
        reports.forget(taskId)
        if (how === 'release') await releases.release(taskId)
      },
      () => this.#parts.save(),
    ]
    for (const step of steps) {
      // What fails here is tried again: by the dataplane's repair, at the next change or session.
      await step().catch((error: unknown) => {
        log.warn('trouble while detaching', { task: taskId, reason: describeError(error) })
      })
    }
  }

  /** Ask the manager, and wait for the task that it makes of it. */
  async #grant(attachment: Attachment, signal: CancelSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    let isOver = false
    this.#waiters.set(attachment.endpointId, { resolve, reject })
    void this.#ask(attachment, { signal, isOver: () => isOver }).catch(reject)
    try {
      await unlessCancelled(promise, signal)
    } finally {
      isOver = true
    }
    this.#parts.book.checkName(attachment)
    this.#report(attachment, TaskState.ACCEPTED)
    this.#report(attachment, TaskState.PREPARING)
  }

  /** Until some manager has understood, or the task is here: a session may end just now. */
  async #ask(
    attachment: Attachment,
    { signal, isOver }: { readonly signal: CancelSignal; readonly isOver: () => boolean },
  ): Promise<void> {
    const { book, sessions, clock, tunables } = this.#parts
    const { endpointId, request } = attachment
    const message = create(AttachNetworkRequestSchema, {
      config: {
        target: book.resolveNetwork(request.network),
        aliases: [...request.aliases],
        addresses: request.address === null ? [] : [request.address],
      },
      containerId: endpointId,
    })
    while (!isOver()) {
      try {
        await sessions.call((manager, options) => manager.attachNetwork(message, options), {
          signal,
        })
        return
      } catch (error) {
        if (signal.aborted || !RETRIED.some((code) => hasCode(error, code))) throw error
        attachment.error = (error as Error).message
        await sleep(clock, tunables.backoffMsMin, signal)
      }
    }
  }

  /**
   * While the dataplane is being told, peers are asked for the network's rows and hear of ours: the
   * endpoint's first packet is to be answered, and whoever has no way back asks for one a second
   * later only.
   */
  async #plugIn(attachment: Attachment, signal: CancelSignal): Promise<void> {
    this.#publish(attachment)
    await this.#turns.enter(signal)
    try {
      attachment.isDue = true
      await this.#program(attachment, signal)
    } finally {
      this.#turns.leave()
    }
  }

  async #program(attachment: Attachment, signal: CancelSignal): Promise<void> {
    const { book } = this.#parts
    const isNamed = attachment.ifname !== ''
    const refused = new Set<string>()
    for (;;) {
      if (!isNamed) {
        const ifname = book.freeIfname(attachment, refused)
        if (ifname === null) throw noInterface(attachment)
        attachment.ifname = ifname
      }
      await unlessCancelled(this.#parts.program(), signal)
      const failure = endpointFailure(attachment, this.#parts.failures())
      if (failure === null) return
      if (isNamed || !isTakenName(failure, attachment.ifname)) throw failure.error
      refused.add(attachment.ifname)
    }
  }

  #publish(attachment: Attachment): void {
    attachment.isAnnounced = true
    try {
      this.#parts.publish()
    } catch (error) {
      // At once, or others would be told of it with their next row.
      attachment.isAnnounced = false
      throw error
    }
  }

  async #settle(attachment: Attachment, signal: CancelSignal): Promise<void> {
    this.#report(attachment, TaskState.READY)
    this.#report(attachment, TaskState.STARTING)
    // The manager, or its namespace's end, may have taken it away meanwhile.
    if (this.#parts.book.get(attachment.endpointId) === null) throw withdrawn(attachment)
    attachment.state = 'running'
    attachment.error = ''
    this.#report(attachment, TaskState.RUNNING)
    this.#parts.onChange()
    await unlessCancelled(this.#parts.save(), signal)
    if (this.#parts.book.get(attachment.endpointId) === null) throw withdrawn(attachment)
  }

  #report({ grant }: Attachment, state: TaskState): void {
    if (grant === null) return
    const message = TASK_STATE_MESSAGES.get(state) ?? ''
    this.#parts.reports.report(grant.taskId, { state, message, err: '' })
  }
}

function isTakenName({ error }: ItemFailure, ifname: string): boolean {
  if (ifname === '' || error.code !== 'ERR_CONFLICT') return false
  return (error.details as { readonly owner: string }).owner.startsWith(`interface ${ifname} `)
}

/** Docker's form of a name (`docker run --name`), as it goes into names of hosts. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/

/** Characters of a name; one label of a DNS name has 63 bytes (RFC 1035 §2.3.4). */
export const ENDPOINT_NAME_CHARACTERS_MAX = 253

function checkRequest({ name, network, aliases }: AttachmentRequest): void {
  const invalid = (text: string, subject: string): Error =>
    swarmError('ERR_INVALID_ARGUMENT', text, { subject })
  if (network === '') throw invalid('network name must not be empty', 'network')
  for (const one of [name, ...aliases]) {
    if (NAME.test(one) && one.length <= ENDPOINT_NAME_CHARACTERS_MAX) continue
    const form = NAME.source.slice(1, -1)
    throw invalid(`Invalid container name (${one}), only ${form} are allowed`, one)
  }
}

/** With what the manager said last, if it did; else with Docker's words. */
function late({ error, request: { network } }: Attachment): Error {
  const why = error === '' ? 'context deadline exceeded' : error
  const text = `attaching to network ${network} took too long: ${why}`
  return swarmError('ERR_UNAVAILABLE', text, { subject: network })
}

function withdrawn({ request }: Attachment): Error {
  const text = `the attachment to network ${request.network} was taken back`
  return swarmError('ERR_ABORTED', text, { subject: request.name })
}

function noInterface({ request }: Attachment): Error {
  const text = 'no interface name is free in the namespace'
  return swarmError('ERR_EXHAUSTED', text, { subject: request.name })
}
