/** Puts a gossip core on a clock, datagrams and streams: all that waits is here. */
import type { ByteStream, Instant, SocketAddress, StreamHandler } from '@weft/core'
import { DeadlineTimer } from './deadline-timer.ts'
import type { GossipCore } from './gossip-core.ts'
import type { GossipOutput, StreamId } from './output.ts'
import {
  bindSockets,
  closeSockets,
  refuseStream,
  type ShellPorts,
  type ShellSockets,
} from './shell-sockets.ts'

/** A core at work. */
export interface Shell<Core extends GossipCore> extends AsyncDisposable {
  readonly core: Core
  /** Where datagrams and streams arrive. */
  readonly local: SocketAddress
  /** Do what the core asks for. Call it whenever somebody else than the shell called the core. */
  pump(): void
  /** End everything at once, without a word to others. */
  close(): Promise<void>
}

/**
 * Bind one port for datagrams and streams, make the core, and drive it until closed. Port 0 picks a
 * free one. Throws ERR_ADDRESS_IN_USE, ERR_ADDRESS_NOT_LOCAL, and what `make` throws.
 */
export async function openShell<Core extends GossipCore>(
  local: SocketAddress,
  ports: ShellPorts,
  make: (now: Instant, bound: SocketAddress) => Core,
): Promise<Shell<Core>> {
  let shell: RunningShell<Core> | null = null
  const sockets = await bindSockets(local, ports, {
    onDatagram: (bytes, from) => shell?.receive(from, bytes),
    accept: (stream) => shell?.accept(stream) ?? refuseStream(stream),
  })
  try {
    shell = new RunningShell(make(ports.clock.now(), sockets.listener.local), ports, sockets)
  } catch (error) {
    await closeSockets(sockets)
    throw error
  }
  shell.pump()
  return shell
}

/** Inputs go in, outputs come out, and one timer wakes the core. */
class RunningShell<Core extends GossipCore> implements Shell<Core> {
  readonly core: Core
  readonly local: SocketAddress
  readonly #ports: ShellPorts
  readonly #sockets: ShellSockets
  readonly #timer: DeadlineTimer
  readonly #streams = new Map<StreamId, ByteStream>()
  #isPumping = false
  #closing: Promise<void> | null = null

  constructor(core: Core, ports: ShellPorts, sockets: ShellSockets) {
    this.core = core
    this.local = sockets.listener.local
    this.#ports = ports
    this.#sockets = sockets
    this.#timer = new DeadlineTimer(ports.clock, () => {
      this.core.tick(ports.clock.now())
      this.pump()
    })
  }

  receive(from: SocketAddress, bytes: Uint8Array): void {
    if (this.#closing !== null) return
    this.core.receive(this.#ports.clock.now(), from, bytes)
    this.pump()
  }

  accept(stream: ByteStream): StreamHandler {
    if (this.#closing !== null) return refuseStream(stream)
    const id = this.core.streams.accept(this.#ports.clock.now(), stream.remote)
    if (id === null) return refuseStream(stream)
    this.#streams.set(id, stream)
    this.pump()
    return this.#handlerOf(id)
  }

  pump(): void {
    if (this.#isPumping || this.#closing !== null) return
    this.#isPumping = true
    for (let outputs = this.core.drain(); outputs.length > 0; outputs = this.core.drain()) {
      for (const output of outputs) this.#perform(output)
    }
    this.#isPumping = false
    this.#timer.follow(this.core.nextDeadline())
  }

  close(): Promise<void> {
    this.#timer[Symbol.dispose]()
    for (const stream of this.#streams.values()) stream.close()
    this.#streams.clear()
    return (this.#closing ??= closeSockets(this.#sockets))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #perform(output: GossipOutput): void {
    switch (output.kind) {
      case 'packet':
        this.#sockets.socket.send(output.bytes, output.to)
        break
      case 'stream-open': {
        const { stream: id, to } = output
        const handler = this.#handlerOf(id)
        this.#streams.set(id, this.#ports.streams.connect(this.local.ip, to, handler))
        break
      }
      case 'stream-write':
        this.#streams.get(output.stream)?.write(output.bytes)
        break
      case 'stream-close':
        this.#forget(output.stream)
    }
  }

  #handlerOf(id: StreamId): StreamHandler {
    const { clock } = this.#ports
    return {
      onBytes: (bytes) => {
        this.core.streams.received(clock.now(), id, bytes)
        this.pump()
      },
      onEnd: (clean) => {
        this.core.streams.ended(clock.now(), id, clean)
        this.pump()
        this.#forget(id)
      },
    }
  }

  #forget(id: StreamId): void {
    this.#streams.get(id)?.close()
    this.#streams.delete(id)
  }
}
