/** Connections to managers: gRPC over TLS that trusts the cluster's root alone. */
import { createClient, type Client } from '@connectrpc/connect'
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node'
import type { DescService } from '@bufbuild/protobuf'
import type { CancelSignal, Clock, Logger } from '@weft/core'
import {
  CA,
  Dispatcher,
  Health,
  NodeCA,
  ResourceAllocator,
  swarmError,
  type CallOptions,
  type ConnectionTrust,
  type ManagerConnection,
  type ManagerDialer,
  type ManagerMethod,
} from '@weft/swarm'
import { ManagerSocket, parseManagerAddress } from './manager-socket.ts'
import { MESSAGE_BYTES_MAX } from './message-limits.ts'
import { fromStatus } from './statuses.ts'

/** How long an answer may take when the caller says nothing. */
export const CALL_TIMEOUT_MS = 10_000

/** The same for NodeCertificateStatus, which managers hold until a certificate is issued. */
export const HELD_CALL_TIMEOUT_MS = 60_000

/** After this long without a word from a manager that owes us one, it is asked whether it is there.
 * Docker's managers take offence at more than two such questions without a call in between, and
 * are asked half as often from then on; heartbeats come twice as often. */
export const PING_INTERVAL_MS = 10_000

/** How long a manager has for the answer. */
export const PING_TIMEOUT_MS = 5_000

/** What a dialer works with. */
export interface GrpcDialerOptions {
  readonly log: Logger
  /** Limits how long connecting may take. */
  readonly clock: Clock
}

/** Opens connections to managers over gRPC. */
export function grpcDialer({ clock, log }: GrpcDialerOptions): ManagerDialer {
  return { dial: (address, trust) => connectionTo(new Channel(address, trust, clock), log) }
}

function connectionTo(channel: Channel, log: Logger): ManagerConnection {
  const ca = channel.client(CA)
  const nodeCa = channel.client(NodeCA)
  const dispatcher = channel.client(Dispatcher)
  const allocator = channel.client(ResourceAllocator)
  const health = channel.client(Health)
  const calls = new Calls(channel, log)
  return {
    getRootCertificate: calls.unary('getRootCertificate', ca.getRootCACertificate),
    issueNodeCertificate: calls.unary('issueNodeCertificate', nodeCa.issueNodeCertificate),
    nodeCertificateStatus: calls.unary('nodeCertificateStatus', nodeCa.nodeCertificateStatus),
    session: calls.stream('session', dispatcher.session),
    heartbeat: calls.unary('heartbeat', dispatcher.heartbeat),
    assignments: calls.stream('assignments', dispatcher.assignments),
    updateTaskStatus: calls.unary('updateTaskStatus', dispatcher.updateTaskStatus),
    attachNetwork: calls.unary('attachNetwork', allocator.attachNetwork),
    detachNetwork: calls.unary('detachNetwork', allocator.detachNetwork),
    checkHealth: calls.unary('checkHealth', health.check),
    localIp: () => calls.localIp(),
    close: async () => channel.close(),
    [Symbol.asyncDispose]: async () => channel.close(),
  }
}

/** HTTP/2 to one manager: opened by the first call, and again after it broke. */
class Channel {
  readonly address: string
  readonly #socket: ManagerSocket
  readonly #sessions: Http2SessionManager
  readonly #baseUrl: string
  #isClosed = false

  constructor(address: string, trust: ConnectionTrust, clock: Clock) {
    this.address = address
    this.#socket = new ManagerSocket(parseManagerAddress(address), trust, clock)
    this.#baseUrl = `https://${address}`
    this.#sessions = new Http2SessionManager(
      this.#baseUrl,
      { pingIntervalMs: PING_INTERVAL_MS, pingTimeoutMs: PING_TIMEOUT_MS },
      { createConnection: () => this.#socket.open() },
    )
  }

  client<Service extends DescService>(service: Service): Client<Service> {
    const transport = createGrpcTransport({
      baseUrl: this.#baseUrl,
      sessionManager: this.#sessions,
      acceptCompression: [],
      readMaxBytes: MESSAGE_BYTES_MAX,
      writeMaxBytes: MESSAGE_BYTES_MAX,
    })
    return createClient(service, transport)
  }

  async localIp(): Promise<string> {
    this.assertOpen('localIp')
    if ((await this.#sessions.connect()) === 'error') throw this.#sessions.error()
    return this.#socket.localIp
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#sessions.abort()
  }

  assertOpen(subject: string): void {
    if (this.#isClosed) throw unavailable('the connection is closed', subject)
  }

  /** What a failure means: distrust goes before a status, and closing before both. */
  errorOf(error: unknown, subject: string): Error {
    if (this.#isClosed) return unavailable('the connection is closed', subject, error)
    const { problem } = this.#socket
    if (problem === null) return fromStatus(error, subject)
    const details = { subject: this.address, problem }
    return swarmError('ERR_UNTRUSTED', 'the manager cannot be trusted', details, error)
  }
}

type ConnectOptions = { readonly signal: AbortSignal; readonly timeoutMs?: number }

class Calls {
  readonly #channel: Channel
  readonly #log: Logger

  constructor(channel: Channel, log: Logger) {
    this.#channel = channel
    this.#log = log
  }

  unary<Request, Answer>(
    method: ManagerMethod,
    call: (request: Request, options: ConnectOptions) => Promise<Answer>,
  ): (request: Request, options?: CallOptions) => Promise<Answer> {
    const heldMs = method === 'nodeCertificateStatus' ? HELD_CALL_TIMEOUT_MS : CALL_TIMEOUT_MS
    return async (request, options = {}) => {
      const timeoutMs = options.timeoutMs ?? heldMs
      using link = new SignalLink(options.signal)
      try {
        this.#channel.assertOpen(method)
        link.throwIfAborted()
        return await call(request, { signal: link.signal, timeoutMs })
      } catch (error) {
        throw this.#errorOf(error, method, link)
      }
    }
  }

  stream<Request, Message>(
    method: ManagerMethod,
    call: (request: Request, options: ConnectOptions) => AsyncIterable<Message>,
  ): (request: Request, options?: CallOptions) => AsyncIterable<Message> {
    const channel = this.#channel
    const errorOf = (error: unknown, link: SignalLink): unknown =>
      this.#errorOf(error, method, link)
    return async function* (request, options = {}) {
      // Disposed when the reader stops too, which ends the stream on the wire.
      using link = new SignalLink(options.signal)
      try {
        channel.assertOpen(method)
        link.throwIfAborted()
        const timeout = options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }
        yield* call(request, { signal: link.signal, ...timeout })
      } catch (error) {
        throw errorOf(error, link)
      }
    }
  }

  async localIp(): Promise<string> {
    try {
      return await this.#channel.localIp()
    } catch (error) {
      throw this.#channel.errorOf(error, 'localIp')
    }
  }

  #errorOf(error: unknown, method: ManagerMethod, link: SignalLink): unknown {
    if (link.isCalledOff) return link.reason
    const known = this.#channel.errorOf(error, method)
    this.#log.debug('a call to a manager failed', {
      method,
      manager: this.#channel.address,
      error: known.message,
    })
    return known
  }
}

/** A signal of our own that follows the caller's, and lets go of it. */
class SignalLink implements Disposable {
  readonly #from: CancelSignal | undefined
  readonly #controller = new AbortController()
  readonly #follow = (): void => this.#controller.abort(this.#from?.reason)

  constructor(from: CancelSignal | undefined) {
    this.#from = from
    if (from?.aborted === true) this.#follow()
    from?.addEventListener('abort', this.#follow)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** True when the caller does not want it any more. */
  get isCalledOff(): boolean {
    return this.#from?.aborted === true
  }

  get reason(): unknown {
    return this.#from?.reason
  }

  throwIfAborted(): void {
    this.#controller.signal.throwIfAborted()
  }

  [Symbol.dispose](): void {
    this.#from?.removeEventListener('abort', this.#follow)
    this.#controller.abort()
  }
}

function unavailable(message: string, subject: string, cause?: unknown): Error {
  return swarmError('ERR_UNAVAILABLE', message, { subject }, cause)
}
