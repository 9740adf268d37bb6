/** What becomes of nodes that are not heard of: down, and after a day without attachments. */
import { instantAfter, type Clock, type Logger } from '@weft/core'
import { NodeState, type Node, type ObjectChange } from '@weft/swarm'
import { clusterOf, heartbeatPeriodMs } from './cluster-facts.ts'
import { nodeStatus } from './node-object.ts'
import { TRANSACTION_WRITES_MAX, type Objects } from './objects.ts'
import { sweepTasks } from './task-sweep.ts'
import type { ManagerTunables } from './tunables.ts'

const RECOVERED = 'Node moved to "unknown" state due to leadership change in cluster'
const SILENT = 'heartbeat failure for node in "unknown" state'

/** After a change that could not be stored. */
const RETRY_MS = 10_000

/** What the passing of time needs. */
export interface LivenessPorts {
  readonly clock: Clock
  readonly log: Logger
}

/**
 * Nodes that were ready when this manager's predecessor ended are unknown until they come back, and
 * down when they do not. What a node has that stays down is freed, counted from when this manager
 * has seen it down (docker-wire §7.6).
 */
export class Liveness {
  readonly #objects: Objects
  readonly #tunables: ManagerTunables
  readonly #ports: LivenessPorts
  readonly #orphans = new Map<string, Disposable>()
  readonly #closing: Disposable[] = []

  constructor(objects: Objects, tunables: ManagerTunables, ports: LivenessPorts) {
    this.#objects = objects
    this.#tunables = tunables
    this.#ports = ports
  }

  /** Throws StoreErrors. */
  async start(): Promise<void> {
    this.#closing.push(this.#objects.watch((change) => this.#follow(change)))
    for (const node of this.#objects.tables.all('node').values()) this.#observe(node)
    await this.#markAll(wasHeardOf, NodeState.UNKNOWN, RECOVERED)
    const periods = this.#tunables.recoveryGracePeriods
    const periodMs = heartbeatPeriodMs(clusterOf(this.#objects.tables))
    this.#after(periods * periodMs, () => this.#markAll(isMissing, NodeState.DOWN, SILENT))
  }

  close(): void {
    for (const timer of [...this.#closing.splice(0), ...this.#orphans.values()]) {
      timer[Symbol.dispose]()
    }
    this.#orphans.clear()
  }

  #follow(change: ObjectChange): void {
    if (change.kind !== 'node') return
    if (change.action === 'remove') this.#forget(change.object.id)
    else this.#observe(change.object)
  }

  #observe({ id, status }: Node): void {
    if (status?.state !== NodeState.DOWN) this.#forget(id)
    else if (!this.#orphans.has(id)) this.#await(id, this.#tunables.orphanMs)
  }

  #await(id: string, ms: number): void {
    const { clock } = this.#ports
    const timer = clock.schedule(instantAfter(clock.now(), ms), () => void this.#free(id))
    this.#orphans.set(id, timer)
  }

  #forget(id: string): void {
    this.#orphans.get(id)?.[Symbol.dispose]()
    this.#orphans.delete(id)
  }

  async #free(id: string): Promise<void> {
    const isDown = (node: Node | null): boolean => node?.status?.state === NodeState.DOWN
    try {
      await sweepTasks(this.#objects, id, ({ tables }) => isDown(tables.get('node', id)))
    } catch (error) {
      this.#ports.log.error('attachments of a node could not be freed', { node: id, error })
      if (this.#orphans.has(id)) this.#await(id, RETRY_MS)
    }
  }

  async #markAll(concerns: (node: Node) => boolean, state: NodeState, why: string): Promise<void> {
    let marked: number
    do {
      marked = await this.#objects.transact((draft) => {
        const nodes = [...draft.tables.all('node').values()].filter(concerns)
        const some = nodes.slice(0, TRANSACTION_WRITES_MAX)
        for (const node of some) {
          const status = nodeStatus(state, why, node.status?.addr)
          draft.put('node', { ...node, status })
        }
        return some.length
      })
    } while (marked > 0)
  }

  #after(ms: number, run: () => Promise<void>): void {
    const { clock, log } = this.#ports
    const attempt = (): void => {
      run().catch((error: unknown) => {
        log.error('nodes could not be marked as down', { error })
        this.#after(RETRY_MS, run)
      })
    }
    this.#closing.push(clock.schedule(instantAfter(clock.now(), ms), attempt))
  }
}

function wasHeardOf({ status }: Node): boolean {
  return status?.state === NodeState.READY || status?.state === NodeState.DISCONNECTED
}

/** Nodes that joined and never opened a session have no description: nobody misses them. */
function isMissing({ status, description }: Node): boolean {
  return (status?.state ?? NodeState.UNKNOWN) === NodeState.UNKNOWN && description !== undefined
}
