/** Networks and attachments as handles. */
import type { Cancellable, Ip, Mac } from '@weft/core'
import type { FramePort } from '@weft/dataplane'
import type { StackPorts } from '@weft/netstack'
import {
  swarmError,
  type AttachmentTarget,
  type AttachmentView,
  type ClusterNode,
  type Control,
  type Network,
} from '@weft/swarm'
import { networkSpecOf, networkViewOf, type NetworkView, type NewNetwork } from './network-spec.ts'
import { enterNetwork, type NewProgram, type ProgramHandle } from './program.ts'
import { watch } from './watch.ts'

/** The cluster's networks on a manager; on a worker those that reach it. */
export interface Networks {
  /** On a manager. Resolves when it is stored; throws as Control.createNetwork. */
  create(network: NewNetwork, options?: Cancellable): Promise<NetworkHandle>
  /** By name or ID. Nothing is looked up: a worker may attach to what it has not seen yet. */
  use(network: string): NetworkHandle
  list(): readonly NetworkView[]
  /** On a manager, by name or ID. ERR_PRECONDITION while something is attached. */
  remove(network: string): Promise<void>
  /** The list now, and after each change. */
  watch(options?: Cancellable): AsyncIterable<readonly NetworkView[]>
}

/** A network to attach to. */
export interface NetworkHandle {
  /** As it was named: a name or an ID. */
  readonly name: string
  /** Null when this node does not know it. */
  view(): NetworkView | null
  /** Resolves when frames pass. Throws as ClusterNode.attach; then nothing is left. */
  attach(endpoint: NewEndpoint, options?: Cancellable): Promise<AttachmentHandle>
  /** Attach this program itself, with an IP stack. Throws as `attach`; then nothing is left. */
  enter(program: NewProgram, options?: Cancellable): Promise<ProgramHandle>
  remove(): Promise<void>
}

/** What to put on a network: a namespace, or a card of this process. */
export type NewEndpoint = {
  readonly name: string
  readonly aliases?: readonly string[]
  /** The network's choice unless given. */
  readonly address?: Ip
} & (
  | { readonly netns: string; readonly ifname?: string; readonly port?: never }
  | { readonly port: FramePort; readonly netns?: never }
)

/** An endpoint that is attached. Disposing detaches it. */
export interface AttachmentHandle extends AsyncDisposable {
  readonly endpointId: string
  /** In CIDR form. */
  readonly addresses: readonly string[]
  readonly mac: Mac
  /** Largest packet on the network, in bytes, as it was then. */
  readonly mtuBytes: number
  /** Of its subnet, at most one of each family. */
  readonly gateways: readonly Ip[]
  readonly ifname: string
  /** As it is now; null when it is there no more. */
  view(): AttachmentView | null
  /** Detaching again does nothing. */
  detach(options?: Cancellable): Promise<void>
}

/** Handles over a node; the stacks of programs run on `ports`. */
export function networksOf(cluster: ClusterNode, ports: StackPorts): Networks {
  const list = (): readonly NetworkView[] => knownNetworks(cluster).map(networkViewOf)
  const remove = async (name: string): Promise<void> => {
    await controlOf(cluster).removeNetwork(networkNamed(cluster, name).id)
  }
  const use = (name: string): NetworkHandle => {
    const attachTo: NetworkHandle['attach'] = (endpoint, options) =>
      attach(cluster, { network: name, endpoint }, options)
    const ground = {
      ports,
      attach: attachTo,
      follow: (wake: () => void) => followAttachments(cluster, wake),
    }
    return {
      name,
      view: () => list().find((one) => one.id === name || one.name === name) ?? null,
      attach: attachTo,
      enter: (program, options) => enterNetwork(ground, program, options),
      remove: () => remove(name),
    }
  }
  return {
    create: async (network, { signal } = {}) => {
      if (signal?.aborted === true) throw signal.reason
      await controlOf(cluster).createNetwork(networkSpecOf(network))
      return use(network.name)
    },
    use,
    list,
    remove,
    watch: (options) => watch({ read: list, subscribe: (wake) => follow(cluster, wake) }, options),
  }
}

async function attach(
  cluster: ClusterNode,
  { network, endpoint }: { readonly network: string; readonly endpoint: NewEndpoint },
  options?: Cancellable,
): Promise<AttachmentHandle> {
  const { name, aliases = [], address = null } = endpoint
  const target = targetOf(endpoint)
  const made = await cluster.attach({ network, name, aliases, target, address }, options)
  const { attachmentId, endpointId, addresses, mac, mtuBytes, gateways, ifname } = made
  const view = (): AttachmentView | null =>
    cluster.attachments().find((one) => one.attachmentId === attachmentId) ?? null
  const detach = async (how?: Cancellable): Promise<void> => {
    if (view() !== null) await cluster.detach(attachmentId, how)
  }
  return {
    endpointId,
    addresses,
    mac,
    mtuBytes,
    gateways,
    ifname,
    view,
    detach,
    [Symbol.asyncDispose]: () => detach(),
  }
}

function targetOf(endpoint: NewEndpoint): AttachmentTarget {
  if (endpoint.port !== undefined) return { kind: 'port', port: endpoint.port }
  return { kind: 'netns', path: endpoint.netns, ifname: endpoint.ifname ?? null }
}

function knownNetworks(cluster: ClusterNode): readonly Network[] {
  return cluster.control?.networks() ?? cluster.networks().map(({ network }) => network)
}

function networkNamed(cluster: ClusterNode, name: string): Network {
  const networks = knownNetworks(cluster)
  const found =
    networks.find(({ id }) => id === name) ??
    networks.find(({ spec }) => spec?.annotations?.name === name)
  if (found !== undefined) return found
  throw swarmError('ERR_NOT_FOUND', `network ${name} not found`, { subject: name })
}

function controlOf(cluster: ClusterNode): Control {
  if (cluster.control !== null) return cluster.control
  throw swarmError('ERR_PRECONDITION', NOT_A_MANAGER, { subject: 'networks' })
}

/** What Docker says. */
export const NOT_A_MANAGER =
  "This node is not a swarm manager. Worker nodes can't be used to view or modify cluster state. " +
  'Please run this command on a manager node or promote the current node to a manager.'

/** Wakes for what may change an attachment of this node. */
function followAttachments(cluster: ClusterNode, wake: () => void): Disposable {
  const { events } = cluster
  const names = ['attachmentsChanged', 'networksChanged', 'changed'] as const
  const own = names.map((name) => events.on(name, wake))
  return {
    [Symbol.dispose]: () => {
      for (const one of own) one[Symbol.dispose]()
    },
  }
}

/** Wakes for what a manager stores and for what reaches this node, whichever it is by then. */
function follow(cluster: ClusterNode, wake: () => void): Disposable {
  let control: Control | null = null
  let stored: Disposable | null = null
  const look = (): void => {
    if (cluster.control !== control) {
      stored?.[Symbol.dispose]()
      control = cluster.control
      stored = control?.watch(wake) ?? null
    }
    wake()
  }
  const own = [cluster.events.on('changed', look), cluster.events.on('networksChanged', wake)]
  look()
  return {
    [Symbol.dispose]: () => {
      for (const one of own) one[Symbol.dispose]()
      stored?.[Symbol.dispose]()
    },
  }
}
