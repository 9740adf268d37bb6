/** What a node of a cluster is made from. */
import { silentLogger, type Logger } from '@weft/core'
import { defaultTunables, type AgentTunables } from '@weft/agent'
import type { DataplaneBackend } from '@weft/dataplane'
import { lanProfile, type GossipProfile } from '@weft/gossip'
import { DOCKER_TUNABLES, type ManagerTunables } from '@weft/manager'
import { nodeRuntime, type NodeRuntime } from '@weft/runtime-node'
import { nodeMachine, type Machine } from './machine.ts'

/** What may be chosen; what is not has the usual value. */
export interface NodeOptions<DataplaneOptions> {
  /** Where state is kept, mode 0700 from then on; null: in memory, gone with the process. */
  readonly stateDirectory: string | null
  /** Opened when the node becomes part of a cluster. */
  readonly dataplane: DataplaneChoice<DataplaneOptions>
  /** Nowhere unless given. */
  readonly log?: Logger
  /** `lanProfile()` of @weft/gossip unless given. */
  readonly gossip?: GossipProfile
  /** Intervals of agent and manager, by their names; Docker's unless given. */
  readonly tunables?: Partial<NodeTunables>
  /** For `init` and `join` that name none: an address or an interface. */
  readonly defaultAdvertiseAddress?: string | null
  /** Shown to the cluster as the version of this engine. */
  readonly version?: string
  /** Labels of this engine, as `dockerd --label` sets them. */
  readonly labels?: Readonly<Record<string, string>>
  /** This machine's unless given. */
  readonly runtime?: NodeRuntime
  readonly machine?: Machine
}

/** A way to forward packets, and what it is to be opened with. */
export interface DataplaneChoice<Options> {
  readonly backend: DataplaneBackend<Options>
  readonly options: Options
}

/** Every interval that may be changed. Durations in ms. */
export type NodeTunables = AgentTunables & ManagerTunables

/** Those of Docker. */
export function nodeTunables(changes: Partial<NodeTunables> = {}): NodeTunables {
  return { ...defaultTunables(), ...DOCKER_TUNABLES, ...changes }
}

/** The same, complete. */
export type CompleteOptions = Required<Omit<NodeOptions<unknown>, 'tunables'>> & {
  readonly tunables: NodeTunables
}

/** Fill in what was not given. */
export function completeOptions<Options>(given: NodeOptions<Options>): CompleteOptions {
  const log = given.log ?? silentLogger
  return {
    stateDirectory: given.stateDirectory,
    dataplane: given.dataplane,
    log,
    gossip: given.gossip ?? lanProfile(),
    tunables: nodeTunables(given.tunables),
    defaultAdvertiseAddress: given.defaultAdvertiseAddress ?? null,
    version: given.version ?? '0.0.0',
    labels: given.labels ?? {},
    runtime: given.runtime ?? nodeRuntime({ log }),
    machine: given.machine ?? nodeMachine(),
  }
}
