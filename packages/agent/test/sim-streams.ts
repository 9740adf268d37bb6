/** Streams between hosts of a test, on virtual time: in order, or broken off. */
import {
  formatSocketAddress,
  instantAfter,
  underlayError,
  type ByteStream,
  type Clock,
  type Ip,
  type SocketAddress,
  type StreamHandler,
  type StreamListener,
  type Streams,
} from '@weft/core'

const DELAY_MS = 1

/** All listeners, and who reaches whom. */
export class StreamWeb {
  readonly clock: Clock
  readonly listeners = new Map<string, (stream: ByteStream) => StreamHandler>()
  /** False: nothing passes. */
  passes: (from: Ip, to: Ip) => boolean = () => true
  #nextPort = 40_000

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** The streams of one host. */
  host(ip: Ip): Streams {
    return {
      listen: async (local, accept) => {
        if (local.ip !== ip && local.ip !== '0.0.0.0' && local.ip !== '::') {
          const address = formatSocketAddress(local)
          throw underlayError('ERR_ADDRESS_NOT_LOCAL', 'not an address of this host', { address })
        }
        return this.#listen({ ip, port: local.port }, accept)
      },
      connect: (_from, to, handler) => this.#connect(ip, to, handler),
    }
  }

  /** The host's process is gone. */
  crash(ip: Ip): void {
    for (const address of [...this.listeners.keys()]) {
      if (address.startsWith(`${ip}:`)) this.listeners.delete(address)
    }
  }

  async #listen(
    local: SocketAddress,
    accept: (stream: ByteStream) => StreamHandler,
  ): Promise<StreamListener> {
    const address = formatSocketAddress(local)
    if (this.listeners.has(address)) {
      throw underlayError('ERR_ADDRESS_IN_USE', 'another socket has it', { address })
    }
    this.listeners.set(address, accept)
    const close = async (): Promise<void> => {
      if (this.listeners.get(address) === accept) this.listeners.delete(address)
    }
    return { local, close, [Symbol.asyncDispose]: close }
  }

  #connect(ip: Ip, to: SocketAddress, handler: StreamHandler): ByteStream {
    const ours = new End(this, to, ip)
    const theirs = new End(this, { ip, port: this.#nextPort++ }, to.ip)
    ours.handler = handler
    ours.peer = theirs
    theirs.peer = ours
    this.clock.schedule(instantAfter(this.clock.now(), DELAY_MS), () => {
      const accept = this.listeners.get(formatSocketAddress(to))
      if (accept === undefined || !this.passes(ip, to.ip)) return ours.ended(false)
      theirs.handler = accept(theirs)
    })
    return ours
  }
}

class End implements ByteStream {
  readonly remote: SocketAddress
  readonly #web: StreamWeb
  readonly #ip: Ip
  handler: StreamHandler | null = null
  peer: End | null = null
  #isOver = false

  constructor(web: StreamWeb, remote: SocketAddress, ip: Ip) {
    this.#web = web
    this.remote = remote
    this.#ip = ip
  }

  write(bytes: Uint8Array): void {
    this.#later(() => this.peer?.received(bytes))
  }

  close(): void {
    this.#isOver = true
    this.#later(() => this.peer?.ended(true))
  }

  received(bytes: Uint8Array): void {
    if (!this.#isOver) this.handler?.onBytes(bytes.slice())
  }

  ended(clean: boolean): void {
    if (this.#isOver) return
    this.#isOver = true
    this.handler?.onEnd(clean)
  }

  /** After the connection: its delay is as long, and tasks due together keep their order. */
  #later(act: () => void): void {
    const { clock } = this.#web
    clock.schedule(instantAfter(clock.now(), 2 * DELAY_MS), () => {
      if (this.#web.passes(this.#ip, this.remote.ip)) act()
    })
  }
}
