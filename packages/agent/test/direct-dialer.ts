/** Dials managers of the same process: their services are called as they are. */
import type { CancelSignal } from '@weft/core'
import {
  METHOD_ACCESS,
  swarmError,
  type CallContext,
  type CallOptions,
  type ConnectionTrust,
  type ManagerConnection,
  type ManagerDialer,
  type ManagerMethod,
  type ManagerServices,
} from '@weft/swarm'
import { CancelSource, onCancelled } from '../src/async/cancel-source.ts'

/** A call as it passed. */
export interface Passed {
  readonly method: ManagerMethod
  readonly from: string
  readonly request: unknown
}

/** Who listens where, and who reaches whom. */
export class ManagerWeb {
  readonly services = new Map<string, ManagerServices>()
  readonly calls: Passed[] = []
  /** False: calls under way fail, and new ones too. */
  passes: (fromIp: string, toAddress: string) => boolean = () => true
  readonly #connections = new Set<DirectConnection>()

  /** A dialer for the node at this address. */
  dialer(ip: string): ManagerDialer {
    return {
      dial: (address, trust) => {
        if (!/:\d+$/.test(address)) {
          const facts = { subject: address }
          throw swarmError('ERR_INVALID_ARGUMENT', 'not the address of a manager', facts)
        }
        const connection = new DirectConnection(this, { ip, address, trust })
        this.#connections.add(connection)
        return connection.methods()
      },
    }
  }

  /** Break what does not pass any more. */
  cut(): void {
    for (const connection of this.#connections) {
      if (!this.passes(connection.ip, connection.address)) connection.break()
    }
  }

  /** The process at this address is gone, and its connections with it. */
  crash(ip: string): void {
    for (const connection of this.#connections) if (connection.ip === ip) connection.break()
  }

  /** How often a method was called. */
  count(method: ManagerMethod): number {
    return this.calls.filter((call) => call.method === method).length
  }
}

interface Line {
  readonly ip: string
  readonly address: string
  readonly trust: ConnectionTrust
}

class DirectConnection {
  readonly ip: string
  readonly address: string
  readonly #web: ManagerWeb
  readonly #trust: ConnectionTrust
  readonly #end = new CancelSource()

  constructor(web: ManagerWeb, { ip, address, trust }: Line) {
    this.#web = web
    this.ip = ip
    this.address = address
    this.#trust = trust
  }

  break(): void {
    this.#end.cancel(unreachable(this.address))
  }

  methods(): ManagerConnection {
    const close = async (): Promise<void> => this.break()
    const methods = Object.keys(METHOD_ACCESS).map((method) => {
      const isStream = method === 'session' || method === 'assignments'
      const call = (request: never, options?: CallOptions): unknown =>
        isStream
          ? this.#stream(method, request, options)
          : this.#unary(method as ManagerMethod, request, options)
      return [method, call]
    })
    return {
      ...Object.fromEntries(methods),
      localIp: async () => this.ip,
      close,
      [Symbol.asyncDispose]: close,
    } as ManagerConnection
  }

  async #unary(method: ManagerMethod, request: never, options: CallOptions = {}): Promise<unknown> {
    const call = new CancelSource()
    using _options = call.follow(options.signal)
    using _end = call.follow(this.#end)
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    using _cancel = onCancelled(call, reject)
    const services = this.#services(method, request)
    const act = services[method] as (request: never, context: CallContext) => Promise<unknown>
    void act.call(services, request, this.#context(call)).then(resolve, reject)
    return await promise
  }

  async *#stream(
    method: 'session' | 'assignments',
    request: never,
    options: CallOptions = {},
  ): AsyncIterable<unknown> {
    const call = new CancelSource()
    using _options = call.follow(options.signal)
    using _end = call.follow(this.#end)
    try {
      const services = this.#services(method, request)
      yield* services[method](request, this.#context(call))
      if (call.aborted) throw call.reason
    } finally {
      call.cancel(unreachable(this.address))
    }
  }

  #services(method: ManagerMethod, request: unknown): ManagerServices {
    const services = this.#web.services.get(this.address)
    if (this.#end.aborted) throw this.#end.reason
    if (services === undefined || !this.#web.passes(this.ip, this.address)) {
      throw unreachable(this.address)
    }
    this.#web.calls.push({ method, from: this.ip, request })
    return services
  }

  #context(signal: CancelSignal): CallContext {
    const trust = this.#trust
    if (trust.kind !== 'identity') return { caller: null, remoteIp: this.ip, signal }
    const { nodeId, clusterId, role } = trust.identity
    return { caller: { nodeId, clusterId, role }, remoteIp: this.ip, signal }
  }
}

function unreachable(address: string): Error {
  return swarmError('ERR_UNAVAILABLE', 'no connection to the manager', { subject: address })
}
