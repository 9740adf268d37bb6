/** What nodes may do on a manager, put together from its parts. */
import { create } from '@bufbuild/protobuf'
import { WeftError } from '@weft/core'
import {
  HealthCheckResponseSchema,
  isSwarmError,
  ServingStatus,
  swarmError,
  UpdateTaskStatusResponseSchema,
  type HealthCheckRequest,
  type HealthCheckResponse,
  type ManagerServices,
} from '@weft/swarm'
import type { AttachmentDesk } from './attachment-desk.ts'
import type { Authority } from './authority.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { Objects } from './objects.ts'
import { storeReports, type ReportPorts } from './task-reports.ts'

/** The parts that nodes reach. */
export interface ServiceParts {
  readonly objects: Objects
  readonly authority: Authority
  readonly dispatcher: Dispatcher
  readonly attachments: AttachmentDesk
  readonly reports: ReportPorts
}

/** Whatever they throw is a SwarmErrors, which travels as a status. */
export function servicesDoor(parts: ServiceParts): ManagerServices {
  const { objects, authority, dispatcher, attachments, reports } = parts
  return {
    getRootCertificate: () => answer(() => authority.rootCertificate()),
    issueNodeCertificate: (request, context) => answer(() => authority.issue(request, context)),
    nodeCertificateStatus: (request) => answer(() => authority.status(request)),
    session: (request, context) => stream(() => dispatcher.session(request, context)),
    heartbeat: (request, context) => answer(() => dispatcher.heartbeat(request, context)),
    assignments: (request, context) => stream(() => dispatcher.assignments(request, context)),
    updateTaskStatus: ({ sessionId, updates }, context) =>
      answer(async () => {
        const nodeId = dispatcher.nodeOf(sessionId, context)
        await storeReports(objects, { nodeId, updates }, reports)
        return create(UpdateTaskStatusResponseSchema)
      }),
    attachNetwork: (request, context) => answer(() => attachments.attach(request, context)),
    detachNetwork: (request, context) => answer(() => attachments.detach(request, context)),
    checkHealth: (request) => answer(() => health(request)),
  }
}

/** Docker's names of what may be asked for; the empty one is all of it. */
function health({ service }: HealthCheckRequest): HealthCheckResponse {
  if (['', 'Raft', 'ControlAPI'].includes(service)) {
    return create(HealthCheckResponseSchema, { status: ServingStatus.SERVING })
  }
  throw swarmError('ERR_NOT_FOUND', 'unknown service', { subject: service })
}

async function answer<Response>(run: () => Response | Promise<Response>): Promise<Response> {
  try {
    return await run()
  } catch (error) {
    throw travelling(error)
  }
}

async function* stream<Message>(
  open: () => AsyncIterable<Message>,
): AsyncGenerator<Message, void, undefined> {
  try {
    yield* open()
  } catch (error) {
    throw travelling(error)
  }
}

/** A store that fails is for this manager's log and its people; nodes are to come again. */
function travelling(error: unknown): unknown {
  if (isSwarmError(error) || !(error instanceof WeftError)) return error
  const message = `the manager cannot store anything now: ${error.message}`
  return swarmError('ERR_UNAVAILABLE', message, { subject: error.code }, error)
}
