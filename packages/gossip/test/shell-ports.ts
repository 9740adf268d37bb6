/** Ports and a core for tests of the shell: nothing happens by itself, all is written down. */
import {
  formatSocketAddress,
  parseIp,
  toHex,
  underlayError,
  type ByteStream,
  type DatagramListener,
  type DatagramSocket,
  type Instant,
  type SocketAddress,
  type StreamHandler,
  type StreamListener,
  type Streams,
  type Underlay,
} from '@weft/core'
import { VirtualClock } from '@weft/core/testing'
import type { GossipCore } from '../src/gossip-core.ts'
import type { GossipOutput, StreamId } from '../src/output.ts'

/** An address on a made-up network. */
export function address(ip: string, port: number): SocketAddress {
  return { ip: parseIp(ip), port }
}

/** A stream that notes what is done with it. */
export class NotedStream implements ByteStream {
  readonly remote: SocketAddress
  readonly #notes: string[]

  constructor(remote: SocketAddress, notes: string[]) {
    this.remote = remote
    this.#notes = notes
  }

  write(bytes: Uint8Array): void {
    this.#notes.push(`write ${toHex(bytes)}`)
  }

  close(): void {
    this.#notes.push(`close ${formatSocketAddress(this.remote)}`)
  }
}

/** Ports that note what is asked of them and hand out their callbacks. */
export class NotedPorts {
  readonly clock = new VirtualClock()
  readonly notes: string[] = []
  /** Datagram ports that somebody else has. */
  readonly takenPorts = new Set<number>()
  /** The ports that streams get when any will do, in order. */
  freePorts = [4001]
  /** What the shell gave to hear of datagrams, of accepted streams, of streams it opened. */
  onDatagram: DatagramListener = () => undefined
  accept: (stream: ByteStream) => StreamHandler = () => ({
    onBytes: () => undefined,
    onEnd: () => undefined,
  })
  readonly handlers: StreamHandler[] = []

  readonly underlay: Underlay = {
    bind: async (local, onDatagram): Promise<DatagramSocket> => {
      if (this.takenPorts.has(local.port)) {
        const facts = { address: formatSocketAddress(local) }
        throw underlayError('ERR_ADDRESS_IN_USE', 'another socket has it', facts)
      }
      this.onDatagram = onDatagram
      this.notes.push(`bind ${formatSocketAddress(local)}`)
      const close = this.#closer('socket')
      return {
        local,
        send: (bytes, to) => void this.notes.push(`send ${toHex(bytes)} ${to.port}`),
        close,
        [Symbol.asyncDispose]: close,
      }
    },
  }

  readonly streams: Streams = {
    listen: async (local, accept): Promise<StreamListener> => {
      const port = local.port === 0 ? (this.freePorts.shift() ?? 0) : local.port
      this.accept = accept
      this.notes.push(`listen ${port}`)
      const close = this.#closer('listener')
      return { local: { ...local, port }, close, [Symbol.asyncDispose]: close }
    },
    connect: (from, to, handler) => {
      this.notes.push(`connect ${from} ${formatSocketAddress(to)}`)
      this.handlers.push(handler)
      return new NotedStream(to, this.notes)
    },
  }

  /** The notes since the last call. */
  take(): string[] {
    return this.notes.splice(0)
  }

  #closer(what: string): () => Promise<void> {
    return async () => void this.notes.push(`close ${what}`)
  }
}

/** A core that does what the test says and notes what it is told. */
export class ScriptedCore implements GossipCore {
  readonly heard: string[] = []
  outputs: GossipOutput[] = []
  deadline: Instant | null = null
  /** What to put out when ticked. */
  onTick: () => void = () => undefined
  /** The next stream that is accepted; null refuses. */
  nextStream: number | null = 1

  readonly streams = {
    accept: (now: Instant, from: SocketAddress): StreamId | null => {
      this.heard.push(`${now} accept ${from.port}`)
      return this.nextStream as StreamId | null
    },
    received: (now: Instant, stream: StreamId, bytes: Uint8Array): void => {
      this.heard.push(`${now} received ${stream} ${toHex(bytes)}`)
    },
    ended: (now: Instant, stream: StreamId, clean: boolean): void => {
      this.heard.push(`${now} ended ${stream} ${clean ? 'cleanly' : 'badly'}`)
    },
  }

  receive(now: Instant, from: SocketAddress, bytes: Uint8Array): void {
    this.heard.push(`${now} receive ${toHex(bytes)} ${from.port}`)
  }

  tick(now: Instant): void {
    this.heard.push(`${now} tick`)
    this.onTick()
  }

  nextDeadline(): Instant | null {
    return this.deadline
  }

  drain(): readonly GossipOutput[] {
    return this.outputs.splice(0)
  }

  /** What was heard since the last call. */
  take(): string[] {
    return this.heard.splice(0)
  }
}
