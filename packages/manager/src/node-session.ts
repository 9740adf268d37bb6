/** A node's conversation with this manager: its session, and the streams that hang on it. */
import type { CancelSignal } from '@weft/core'
import type { AssignmentsMessage, ObjectChange, SessionMessage, Task } from '@weft/swarm'
import { AssignmentStream } from './assignment-stream.ts'
import { sessionInvalid } from './dispatcher-errors.ts'
import { follow, Wakeup, type MessageSource } from './wakeup.ts'

/** Streams of each kind that one session may have open; the oldest makes room. */
export const SESSION_STREAMS_MAX = 4

/** Makes the error that a stream ends with. */
export type StreamEnd = () => Error

/** What a session tells. */
export interface SessionView {
  readonly message: (sessionId: string) => SessionMessage
  readonly tasks: () => ReadonlyMap<string, Task>
}

/** One Session stream: the whole message again whenever something in it changed. */
class MessageStream implements MessageSource<SessionMessage> {
  readonly wakeup = new Wakeup()
  readonly #message: () => SessionMessage
  readonly #onClose: (stream: MessageStream) => void
  #end: StreamEnd | null = null
  #isDue = true

  constructor(message: () => SessionMessage, onClose: (stream: MessageStream) => void) {
    this.#message = message
    this.#onClose = onClose
  }

  take(): SessionMessage | null {
    if (this.#isDue) {
      this.#isDue = false
      return this.#message()
    }
    if (this.#end !== null) throw this.#end()
    return null
  }

  announce(): void {
    if (this.#end !== null) return
    this.#isDue = true
    this.wakeup.wake()
  }

  end(why: StreamEnd, isLastDue: boolean): void {
    this.#end ??= why
    this.#isDue &&= isLastDue
    this.wakeup.wake()
  }

  close(): void {
    this.#onClose(this)
  }
}

/** Lives from a registration until the node registers anew, falls silent or is removed. */
export class NodeSession {
  readonly id: string
  readonly nodeId: string
  readonly #view: SessionView
  readonly #messages = new Set<MessageStream>()
  readonly #assignments = new Set<AssignmentStream>()
  #end: StreamEnd | null = null

  constructor(identity: { readonly id: string; readonly nodeId: string }, view: SessionView) {
    this.id = identity.id
    this.nodeId = identity.nodeId
    this.#view = view
  }

  /** Session messages. Throws what the session ended with. */
  messages(signal: CancelSignal): AsyncIterable<SessionMessage> {
    if (this.#end !== null) throw this.#end()
    const [oldest] = this.#messages
    if (oldest !== undefined && this.#messages.size >= SESSION_STREAMS_MAX) {
      oldest.end(sessionInvalid, false)
      this.#messages.delete(oldest)
    }
    const message = (): SessionMessage => this.#view.message(this.id)
    const stream = new MessageStream(message, (ended) => void this.#messages.delete(ended))
    this.#messages.add(stream)
    return follow(stream, signal)
  }

  /** Assignments. Throws what the session ended with. */
  assignments(signal: CancelSignal): AsyncIterable<AssignmentsMessage> {
    if (this.#end !== null) throw this.#end()
    const [oldest] = this.#assignments
    if (oldest !== undefined && this.#assignments.size >= SESSION_STREAMS_MAX) {
      oldest.end(sessionInvalid)
      this.#assignments.delete(oldest)
    }
    const drop = (ended: AssignmentStream): void => void this.#assignments.delete(ended)
    const stream = new AssignmentStream(this.#view.tasks, drop)
    this.#assignments.add(stream)
    return follow(stream, signal)
  }

  /** Something that session messages say has changed. */
  announce(): void {
    for (const stream of this.#messages) stream.announce()
  }

  /** A task of this node has changed. */
  follow({ action, object }: ObjectChange & { readonly kind: 'task' }): void {
    for (const stream of this.#assignments) {
      if (action === 'remove') stream.remove(object.id)
      else stream.update(object)
    }
  }

  /** End all streams; `isLastDue`: a message that is due is still told. */
  end(why: StreamEnd, isLastDue = false): void {
    this.#end ??= why
    for (const stream of this.#messages) stream.end(why, isLastDue)
    for (const stream of this.#assignments) stream.end(why)
  }
}
