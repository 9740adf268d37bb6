/** Writes down what a successor needs: at once what was promised, now and then what peers know. */
import {
  describeError,
  instantAfter,
  type Clock,
  type Files,
  type Instant,
  type Logger,
} from '@weft/core'
import type { Certificates } from '@weft/swarm'
import type { AgentTunables } from '../agent-options.ts'
import { Coalesced } from '../async/coalesced.ts'
import { nodeSnapshotJson, type NodeSnapshot } from './node-snapshot.ts'
import { peersSnapshotJson, type PeersSnapshot } from './peers-snapshot.ts'
import { writeState, type StateFile } from './state-file.ts'

/** Names of the two files. */
export const STATE_FILES = { node: 'agent-node', peers: 'agent-peers' } as const

/**
 * Writing down what peers know takes a twentieth of the time at most, however much that is, but
 * for the longest pause.
 */
const PEERS_PAUSE_TIMES = 20
/** The longest pause, in ms. */
export const PEERS_PAUSE_MS_MAX = 10_000

/** What goes on failing in the same way is logged again after this long, in ms. */
export const SAY_AGAIN_MS = 60_000

/** What keeping needs. */
export interface KeeperParts {
  readonly files: Files
  readonly sha256: Certificates['sha256']
  readonly clock: Clock
  readonly log: Logger
  readonly tunables: AgentTunables
  readonly node: () => NodeSnapshot
  readonly peers: () => PeersSnapshot
}

/** Both files of a running agent. */
export class Keeper {
  readonly #parts: KeeperParts
  readonly #node: Coalesced
  readonly #peers: Coalesced
  #timer: Disposable | null = null
  #isNodeOwed = false
  #arePeersOwed = false
  #isClosed = false
  #peersPauseMs: number
  /** Why files are not written down, by name, and when that was last said. */
  readonly #failing = new Map<string, { readonly reason: string; readonly saidAt: Instant }>()

  constructor(parts: KeeperParts) {
    this.#parts = parts
    this.#peersPauseMs = parts.tunables.snapshotIntervalMs
    this.#node = new Coalesced(() => this.#writeNode())
    this.#peers = new Coalesced(() => this.#writePeers())
  }

  /** Why something is not written down; empty: everything is. */
  get problem(): string {
    const [first] = this.#failing.values()
    return first === undefined ? '' : `state not written down: ${first.reason}`
  }

  /** Resolves when what is promised now is durable. Throws FilesErrors; it is tried again later. */
  save(): Promise<void> {
    return this.#isClosed ? Promise.resolve() : this.#node.request()
  }

  /** As `save`, for whoever does not wait. */
  touch(): void {
    void this.save().catch(() => undefined)
  }

  /** Peers know something else: written down within the interval. */
  touchPeers(): void {
    this.#arePeersOwed = true
    this.#schedule()
  }

  /** Write what is owed, and nothing more afterwards. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    const isOwed = this.#arePeersOwed
    this.#timer?.[Symbol.dispose]()
    await Promise.allSettled([this.#node.request(), ...(isOwed ? [this.#peers.request()] : [])])
    this.#isClosed = true
  }

  /** The node is of no cluster any more: nothing is kept. */
  async forget(): Promise<void> {
    this.#isClosed = true
    this.#timer?.[Symbol.dispose]()
    // Whatever is being written is written before it is removed.
    await Promise.allSettled([this.#node.request(), this.#peers.request()])
    for (const name of Object.values(STATE_FILES)) await this.#parts.files.remove(name)
  }

  #schedule(): void {
    if (this.#timer !== null || this.#isClosed) return
    const { clock, tunables } = this.#parts
    const pauseMs = this.#isNodeOwed ? tunables.snapshotIntervalMs : this.#peersPauseMs
    const at = instantAfter(clock.now(), pauseMs)
    this.#timer = clock.schedule(at, () => {
      this.#timer = null
      if (this.#isNodeOwed) this.touch()
      if (this.#arePeersOwed) void this.#peers.request().catch(() => undefined)
    })
  }

  async #writeNode(): Promise<void> {
    if (this.#isClosed) return
    this.#isNodeOwed = true
    try {
      await writeState(this.#file(STATE_FILES.node), nodeSnapshotJson(this.#parts.node()))
      this.#isNodeOwed = false
      this.#worked(STATE_FILES.node)
    } catch (error) {
      this.#failed(STATE_FILES.node, error)
      throw error
    }
  }

  async #writePeers(): Promise<void> {
    if (this.#isClosed) return
    this.#arePeersOwed = false
    const { clock, tunables } = this.#parts
    const began = clock.now()
    try {
      await writeState(this.#file(STATE_FILES.peers), peersSnapshotJson(this.#parts.peers()))
      this.#worked(STATE_FILES.peers)
      const pauseMs = Math.min(PEERS_PAUSE_TIMES * (clock.now() - began), PEERS_PAUSE_MS_MAX)
      this.#peersPauseMs = Math.max(tunables.snapshotIntervalMs, Math.trunc(pauseMs))
    } catch (error) {
      this.#arePeersOwed = true
      this.#failed(STATE_FILES.peers, error)
      throw error
    }
  }

  /** Tried again each second, for as long as a disk is full: people hear of it once. */
  #failed(name: string, error: unknown): void {
    const { clock, log } = this.#parts
    const reason = describeError(error)
    const known = this.#failing.get(name)
    const now = clock.now()
    if (known?.reason !== reason || now - known.saidAt >= SAY_AGAIN_MS) {
      log.error('state not written down', { reason })
      this.#failing.set(name, { reason, saidAt: now })
    }
    this.#schedule()
  }

  #worked(name: string): void {
    if (this.#failing.delete(name)) this.#parts.log.info('state written down again', { name })
  }

  #file(name: string): StateFile {
    const { files, sha256 } = this.#parts
    return { files, name, sha256 }
  }
}
