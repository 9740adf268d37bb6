/** The networks that anybody is attached to, and who is to be seen on each. */
import type { Instant } from '@weft/core'
import { LocalNetwork } from './local-network.ts'
import type { NodeRecord } from './node-record.ts'
import { NodeSet } from './node-set.ts'
import type { AttachmentChange, Road } from './table.ts'
import type { TablesContext } from './tables-context.ts'

interface KnownNetwork {
  /** The others that are attached and active. */
  readonly peers: NodeSet
  local: LocalNetwork | null
}

/** One step from an attachment to a change that watchers hear. */
export interface Appearance {
  readonly networkId: string
  readonly road: Road
}

/** Follows Attachments, which decide; tells watchers who comes and goes. */
export class Networks {
  readonly #context: TablesContext
  readonly #networks = new Map<string, KnownNetwork>()
  readonly #locals = new Map<string, LocalNetwork>()

  constructor(context: TablesContext) {
    this.#context = context
  }

  /** The network if we are attached to it. */
  local(networkId: string): LocalNetwork | null {
    return this.#locals.get(networkId) ?? null
  }

  /** Networks that we are attached to, in the order of attaching. */
  locals(): Iterable<LocalNetwork> {
    return this.#locals.values()
  }

  /** Networks that both we and this node are attached to. */
  *sharedWith(node: NodeRecord): Iterable<LocalNetwork> {
    for (const local of this.#locals.values()) if (local.peers.has(node)) yield local
  }

  /** Names of the nodes that are attached and active, ourselves included. */
  nodeNames(networkId: string): readonly string[] {
    const network = this.#networks.get(networkId)
    if (network === undefined) return []
    const names = [...network.peers].map((node) => node.name)
    return network.local === null ? names : [this.#context.name, ...names]
  }

  /** All that is attached now, as changes. */
  *attached(): Iterable<AttachmentChange> {
    for (const networkId of this.#networks.keys()) {
      for (const nodeName of this.nodeNames(networkId)) {
        yield { type: 'attach', networkId, nodeName, road: 'local' }
      }
    }
  }

  /** We are attached to a network. */
  open(now: Instant, networkId: string): LocalNetwork {
    const network = this.#network(networkId)
    const local = new LocalNetwork(networkId, now, network.peers)
    network.local = local
    this.#locals.set(networkId, local)
    this.#tell('attach', this.#context.name, { networkId, road: 'local' })
    return local
  }

  /** We are not any more. */
  close(networkId: string): void {
    this.#network(networkId).local = null
    this.#locals.delete(networkId)
    this.#tell('detach', this.#context.name, { networkId, road: 'local' })
    this.#dropIfUnused(networkId)
  }

  /** Another node is to be seen on a network; the network if it is ours too. */
  show(node: NodeRecord, appearance: Appearance): LocalNetwork | null {
    const { peers, local } = this.#network(appearance.networkId)
    peers.add(node)
    this.#tell('attach', node.name, appearance)
    return local
  }

  /** It is not any more, if it was; the network if it is ours. */
  hide(node: NodeRecord, appearance: Appearance): LocalNetwork | null {
    const network = this.#networks.get(appearance.networkId)
    if (network === undefined) return null
    if (network.peers.has(node)) {
      network.peers.delete(node)
      this.#tell('detach', node.name, appearance)
      this.#dropIfUnused(appearance.networkId)
    }
    return network.local
  }

  #tell(type: AttachmentChange['type'], nodeName: string, { networkId, road }: Appearance): void {
    this.#context.watchers.attachment({ type, networkId, nodeName, road })
  }

  #network(networkId: string): KnownNetwork {
    const known = this.#networks.get(networkId)
    if (known !== undefined) return known
    const added: KnownNetwork = { peers: new NodeSet(null), local: null }
    this.#networks.set(networkId, added)
    return added
  }

  #dropIfUnused(networkId: string): void {
    const network = this.#networks.get(networkId)
    if (network?.peers.size === 0 && network.local === null) this.#networks.delete(networkId)
  }
}
