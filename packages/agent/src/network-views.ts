/** Networks that reach this node, as people see them: what `network inspect -v` is made of. */
import type { IpFamily } from '@weft/core'
import type {
  AttachmentView,
  LocalNetworkView,
  Network,
  PeerView,
  RemoteEndpointView,
} from '@weft/swarm'
import type { AttachmentBook } from './attachments/attachment-book.ts'
import { attachmentView } from './attachments/attachment.ts'
import type { Desired } from './desired/desired-composer.ts'
import type { RemoteRows } from './gossip/remote-rows.ts'

/** What views are made of. */
export interface NetworkViewSources {
  readonly book: AttachmentBook
  readonly rows: RemoteRows
  /** What the dataplane was last told; null: nothing yet. */
  readonly desired: Desired | null
  readonly peers: readonly PeerView[]
  /** The family of our VTEP. */
  readonly underlay: IpFamily
  /** This node in the ring. */
  readonly self: { readonly name: string; readonly address: string }
}

/** One for each network with an endpoint here, in the order in which they came. */
export function networkViews(sources: NetworkViewSources): readonly LocalNetworkView[] {
  const networks = new Map<string, { network: Network; attachments: AttachmentView[] }>()
  for (const attachment of sources.book.all()) {
    const { grant } = attachment
    if (grant === null) continue
    const { network } = grant
    const known = networks.get(network.id) ?? { network, attachments: [] }
    known.attachments.push(attachmentView(attachment, sources.underlay))
    networks.set(network.id, known)
  }
  return [...networks.values()].map(({ network, attachments }) => ({
    network,
    attachments,
    remote: remoteViews(network.id, sources),
    peers: peerViews(network.id, sources),
  }))
}

function peerViews(
  networkId: string,
  { peers, self }: NetworkViewSources,
): LocalNetworkView['peers'] {
  const others = peers.filter(({ networks }) => networks.includes(networkId))
  return [self, ...others].map(({ name, address }) => ({ name, address }))
}

function remoteViews(networkId: string, sources: NetworkViewSources): RemoteEndpointView[] {
  const { rows, desired } = sources
  const remote = desired?.networks.get(networkId)?.remote ?? new Map<string, never>()
  return [...remote].flatMap(([endpointId, { addresses, mac, node }]) => {
    const tunnel = desired?.peers.get(node)?.tunnel.ip
    const [address] = addresses
    if (tunnel === undefined || address === undefined) return []
    const name = rows.endpoint(networkId, endpointId)?.name ?? ''
    return [{ endpointId, name, address, mac, tunnel }]
  })
}
