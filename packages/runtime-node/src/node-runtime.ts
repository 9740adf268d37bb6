/** Everything a node runs on, on this machine. */
import { SeededRandom, silentLogger, toHex, type Logger, type Runtime } from '@weft/core'
import { NodeClock } from './node-clock.ts'
import { nodeEntropy } from './node-entropy.ts'
import { NodeUnderlay, type OpenSocket } from './node-underlay.ts'

/** What may be chosen. */
export interface NodeRuntimeOptions {
  /** Where log lines go; nowhere unless given. */
  readonly log?: Logger
  /** False lets the process end while its timers and sockets are open; true by default. */
  readonly keepAlive?: boolean
  /** Opens sockets elsewhere, as in another network namespace. */
  readonly openSocket?: OpenSocket
  /** Makes `random` reproducible; drawn from entropy unless given. */
  readonly seed?: string
}

/** A runtime whose underlay counts what it drops. */
export interface NodeRuntime extends Runtime {
  readonly clock: NodeClock
  readonly underlay: NodeUnderlay
}

const SEED_BYTES = 16

/** The ports of @weft/core on this machine. Holds nothing open by itself. */
export function nodeRuntime(options: NodeRuntimeOptions = {}): NodeRuntime {
  const keepAlive = options.keepAlive ?? true
  return {
    clock: new NodeClock({ keepAlive }),
    random: new SeededRandom(options.seed ?? freshSeed()),
    entropy: nodeEntropy,
    underlay: new NodeUnderlay({ keepAlive, openSocket: options.openSocket ?? null }),
    log: options.log ?? silentLogger,
  }
}

function freshSeed(): string {
  const bytes = new Uint8Array(SEED_BYTES)
  nodeEntropy.fill(bytes)
  return toHex(bytes)
}
