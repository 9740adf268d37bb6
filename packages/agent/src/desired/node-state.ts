/** What the desired state follows from, gathered from attachments and rows. */
import type { Ip, SocketAddress } from '@weft/core'
import type { EndpointId, LocalEndpoint, TunnelKey } from '@weft/dataplane'
import type { AttachmentBook } from '../attachments/attachment-book.ts'
import { localEndpoint, type Attachment, type Grant } from '../attachments/attachment.ts'
import type { RemoteRows } from '../gossip/remote-rows.ts'
import type { NetworkFacts, NodeState } from './desired-composer.ts'
import type { OverlayShape } from './overlay-shape.ts'

/** Docker's port when the cluster names none (docker-wire §1.3). */
const VXLAN_PORT = 4789

/** Where the facts are. */
export interface NodeStateSources {
  readonly book: AttachmentBook
  readonly rows: RemoteRows
  readonly vtep: () => Ip
  /** 0: Docker's. */
  readonly vxlanPort: () => number
  readonly keys: () => readonly TunnelKey[]
}

interface Made {
  readonly grant: Grant | null
  readonly ifname: string
  readonly endpoint: LocalEndpoint | null
}

/** Reads the facts; the same facts give the same objects. */
export class NodeStateReader {
  readonly #sources: NodeStateSources
  readonly #endpoints = new WeakMap<Attachment, Made>()
  #shapes = new Map<string, OverlayShape>()
  #tunnel: SocketAddress | null = null

  constructor(sources: NodeStateSources) {
    this.#sources = sources
  }

  read(): NodeState {
    const { book, keys, rows, vtep, vxlanPort } = this.#sources
    const tunnel = { ip: vtep(), port: vxlanPort() === 0 ? VXLAN_PORT : vxlanPort() }
    const isSame = this.#tunnel?.ip === tunnel.ip && this.#tunnel.port === tunnel.port
    this.#tunnel = isSame && this.#tunnel !== null ? this.#tunnel : tunnel
    const networks = new Map<string, Gathered>()
    for (const attachment of book.all()) {
      const { grant, endpointId } = attachment
      const endpoint = this.#endpointOf(attachment)
      if (grant === null || endpoint === null) continue
      const known = networks.get(grant.network.id) ?? gathered()
      networks.set(grant.network.id, known)
      known.grants.push(grant)
      known.local.set(endpointId, endpoint)
    }
    const facts: NetworkFacts[] = []
    const shapes = new Map<string, OverlayShape>()
    for (const [id, { grants, local }] of networks) {
      const shape = this.#shapeOf(id, grants)
      if (shape === null) continue
      shapes.set(id, shape)
      facts.push({ shape, local, rows: rows.peers(id) })
    }
    this.#shapes = shapes
    return { tunnel: this.#tunnel, networks: facts, keys: keys() }
  }

  /** Null until it is due, with an interface name: then the endpoint is whole. */
  #endpointOf(attachment: Attachment): LocalEndpoint | null {
    const { grant, ifname, isDue, request } = attachment
    if (grant === null || !isDue || (ifname === '' && request.target.kind === 'netns')) return null
    const known = this.#endpoints.get(attachment)
    const isSame = known?.ifname === ifname && known.grant?.addresses === grant.addresses
    if (isSame) return known.endpoint
    const endpoint = localEndpoint(attachment)
    this.#endpoints.set(attachment, { grant, ifname, endpoint })
    return endpoint
  }

  /** Of the newest version of the network that a task brought. */
  #shapeOf(id: string, grants: readonly Grant[]): OverlayShape | null {
    let newest: Grant | null = null
    for (const grant of grants) {
      if (newest === null || versionOf(grant) > versionOf(newest)) newest = grant
    }
    const known = this.#shapes.get(id)
    if (known === undefined || newest === null) return newest?.shape ?? null
    return isSameShape(known, newest.shape) ? known : newest.shape
  }
}

/** What attachments say of one network. */
interface Gathered {
  readonly grants: Grant[]
  readonly local: Map<EndpointId, LocalEndpoint>
}

function gathered(): Gathered {
  return { grants: [], local: new Map() }
}

function versionOf({ network }: Grant): bigint {
  return network.meta?.version?.index ?? 0n
}

function isSameShape(a: OverlayShape, b: OverlayShape): boolean {
  if (a === b) return true
  if (a.encapsulation !== b.encapsulation || a.name !== b.name) return false
  if (a.underlayMtu !== b.underlayMtu) return false
  return JSON.stringify(a.subnets) === JSON.stringify(b.subnets)
}
