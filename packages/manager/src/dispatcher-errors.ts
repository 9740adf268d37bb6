/** What the dispatcher ends conversations with, in Docker's words (docker-wire §7.6). */
import { swarmError } from '@weft/swarm'

/** The session is not the node's current one. The node is to open a new one. */
export function sessionInvalid(): Error {
  return swarmError('ERR_INVALID_ARGUMENT', 'session invalid', { subject: 'session' })
}

/** The node has no session. It is to open a new one. */
export function notRegistered(): Error {
  return swarmError('ERR_NOT_FOUND', 'node not registered', { subject: 'session' })
}

/** The node is to go elsewhere. */
export function mustDisconnect(): Error {
  return swarmError('ERR_ABORTED', 'node must disconnect', { subject: 'session' })
}

/** This manager serves no more. */
export function dispatcherStopped(): Error {
  return swarmError('ERR_ABORTED', 'dispatcher is stopped', { subject: 'dispatcher' })
}

/** The node registers too often. */
export function rateLimited(nodeId: string): Error {
  const message = `node ${nodeId} exceeded rate limit count of registrations`
  return swarmError('ERR_UNAVAILABLE', message, { subject: nodeId })
}

/** There is no certificate to know a caller by: the transport should have refused it. */
export function unauthenticated(): Error {
  const message = 'Permission denied: unauthorized peer role: no client certificates in request'
  return swarmError('ERR_PERMISSION_DENIED', message, { subject: 'certificate' })
}
