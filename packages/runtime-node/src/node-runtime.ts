/** Everything a node runs on, on this machine. */
import {
  SeededRandom,
  silentLogger,
  toHex,
  type Aead,
  type Logger,
  type Runtime,
} from '@weft/core'
import { nodeAead } from './node-aead.ts'
import { NodeClock } from './node-clock.ts'
import { nodeEntropy } from './node-entropy.ts'
import { NodeStreams, type OpenConnection, type OpenListener } from './node-streams.ts'
import { NodeUnderlay, type OpenSocket } from './node-underlay.ts'

/** What may be chosen. */
export interface NodeRuntimeOptions {
  /** Where log lines go; nowhere unless given. */
  readonly log?: Logger
  /** False lets the process end while its timers and sockets are open; true by default. */
  readonly keepAlive?: boolean
  /** Opens sockets elsewhere, as in another network namespace. */
  readonly openSocket?: OpenSocket
  /** The same for listening sockets of streams, and for connections. */
  readonly openListener?: OpenListener
  readonly openConnection?: OpenConnection
  /** Makes `random` reproducible; drawn from entropy unless given. */
  readonly seed?: string
}

/** A runtime whose underlay counts what it drops, with streams and authenticated encryption. */
export interface NodeRuntime extends Runtime {
  readonly clock: NodeClock
  readonly underlay: NodeUnderlay
  readonly streams: NodeStreams
  readonly aead: Aead
}

const SEED_BYTES = 16

/** As long as the slowest profile of gossip waits for an answer. */
const STREAM_LINGER_MS = 30_000

/** The ports of @weft/core on this machine. Holds nothing open by itself. */
export function nodeRuntime(options: NodeRuntimeOptions = {}): NodeRuntime {
  const keepAlive = options.keepAlive ?? true
  return {
    clock: new NodeClock({ keepAlive }),
    random: new SeededRandom(options.seed ?? freshSeed()),
    entropy: nodeEntropy,
    underlay: new NodeUnderlay({ keepAlive, openSocket: options.openSocket ?? null }),
    streams: new NodeStreams({
      keepAlive,
      lingerMs: STREAM_LINGER_MS,
      openListener: options.openListener ?? null,
      openConnection: options.openConnection ?? null,
    }),
    aead: nodeAead,
    log: options.log ?? silentLogger,
  }
}

function freshSeed(): string {
  const bytes = new Uint8Array(SEED_BYTES)
  nodeEntropy.fill(bytes)
  return toHex(bytes)
}
