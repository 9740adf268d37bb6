/** One session with one manager: four conversations that end together (docker-wire §7.6). */
import { create } from '@bufbuild/protobuf'
import type { CancelSignal, Clock } from '@weft/core'
import {
  AssignmentsRequestSchema,
  HeartbeatRequestSchema,
  msOf,
  SessionRequestSchema,
  swarmError,
  UpdateTaskStatusRequestSchema,
  type AssignmentsMessage,
  type ManagerConnection,
  type NodeDescription,
  type SessionMessage,
} from '@weft/swarm'
import type { AgentTunables } from '../agent-options.ts'
import { onCancelled } from '../async/cancel-source.ts'
import { TaskGroup } from '../async/task-group.ts'
import { sleep, TimeLimit } from '../async/waiting.ts'
import type { StatusReports } from './status-reports.ts'

/** A heartbeat goes out this much of its period early, for the way and for a busy machine. */
const HEARTBEAT_PERCENT = 90

/** Bounds on what a manager may ask for as a period, in ms. */
const PERIOD_MS = { min: 100, max: 3_600_000, fallback: 5000 } as const

/** What a session tells. */
export interface SessionListener {
  /** The first message and every later one; each is complete. */
  message(message: SessionMessage): void
  /** False: it does not follow the one before, and the stream is to be opened again. */
  assigned(message: AssignmentsMessage): boolean
  /** A stream of assignments begins: a complete set comes first. */
  assignmentsBegin(): void
}

/** What a session is held with. */
export interface SessionParts {
  readonly connection: ManagerConnection
  readonly description: NodeDescription
  /** Of the session before, so that the manager knows us again; empty: none. */
  readonly sessionId: string
  readonly reports: StatusReports
  readonly clock: Clock
  readonly tunables: AgentTunables
}

/** Hold a session until it fails or `signal` is called off: it always throws, and says why. */
export async function holdSession(
  parts: SessionParts,
  listener: SessionListener,
  signal: CancelSignal,
): Promise<void> {
  const group = new TaskGroup()
  using _stop = onCancelled(signal, (reason) => group.end(reason))
  // Whatever a transport makes of a signal: without a connection nothing goes on.
  using _close = onCancelled(group.signal, () => void parts.connection.close())
  try {
    group.run((groupSignal) => followSession({ parts, listener, group }, groupSignal))
    await group.done()
  } finally {
    parts.reports.onPending(() => undefined)
  }
}

interface Held {
  readonly parts: SessionParts
  readonly listener: SessionListener
  readonly group: TaskGroup
}

async function followSession(held: Held, signal: CancelSignal): Promise<void> {
  const { parts, listener, group } = held
  const { clock, connection, description, sessionId, tunables } = parts
  using limit = new TimeLimit(clock, { ms: tunables.sessionMsMax, signal }, () =>
    unavailable('the manager did not begin the session in time'),
  )
  const request = create(SessionRequestSchema, { description, sessionId })
  let isFirst = true
  for await (const message of connection.session(request, { signal: limit })) {
    limit.lift()
    listener.message(message)
    if (!isFirst) continue
    isFirst = false
    beginOthers(held, message.sessionId)
  }
  group.end(unavailable('the manager ended the session'))
}

function beginOthers({ parts, listener, group }: Held, sessionId: string): void {
  group.run((signal) => beatHeart(parts, sessionId, signal))
  group.run((signal) => followAssignments({ parts, listener, group }, sessionId, signal))
  parts.reports.resend()
  group.run((signal) => sendReports(parts, sessionId, signal))
}

/** At once, then a little before each period that the manager asks for is over. */
async function beatHeart(
  { connection, clock, tunables }: SessionParts,
  sessionId: string,
  signal: CancelSignal,
): Promise<void> {
  for (;;) {
    const request = create(HeartbeatRequestSchema, { sessionId })
    const timeoutMs = tunables.callMsMax
    const { period } = await connection.heartbeat(request, { signal, timeoutMs })
    const asked = msOf(period) ?? PERIOD_MS.fallback
    const periodMs = Math.min(Math.max(asked, PERIOD_MS.min), PERIOD_MS.max)
    await sleep(clock, Math.trunc((periodMs * HEARTBEAT_PERCENT) / 100), signal)
  }
}

async function followAssignments(
  { parts, listener, group }: Held,
  sessionId: string,
  signal: CancelSignal,
): Promise<void> {
  const request = create(AssignmentsRequestSchema, { sessionId })
  for (let follows = false; !follows; ) {
    listener.assignmentsBegin()
    follows = true
    let isFirst = true
    for await (const message of parts.connection.assignments(request, { signal })) {
      follows = listener.assigned(message)
      if (!follows && isFirst) throw unavailable('the manager did not say all assignments')
      isFirst = false
      if (!follows) break
    }
  }
  group.end(unavailable('the manager ended the assignments'))
}

/** One call at a time; what comes up meanwhile goes with the next. */
async function sendReports(
  { connection, reports, tunables }: SessionParts,
  sessionId: string,
  signal: CancelSignal,
): Promise<void> {
  let wake = Promise.withResolvers<void>()
  reports.onPending(() => wake.resolve())
  using _wake = onCancelled(signal, () => wake.resolve())
  while (!signal.aborted) {
    const updates = reports.take()
    if (updates.length === 0) {
      await wake.promise
      wake = Promise.withResolvers<void>()
      continue
    }
    const request = create(UpdateTaskStatusRequestSchema, { sessionId, updates: [...updates] })
    const timeoutMs = tunables.callMsMax
    await connection.updateTaskStatus(request, { signal, timeoutMs })
  }
}

function unavailable(problem: string): Error {
  return swarmError('ERR_UNAVAILABLE', problem, { subject: 'session' })
}
