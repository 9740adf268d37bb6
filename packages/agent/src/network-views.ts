/** Networks that reach this node, as people see them: what `network inspect -v` is made of. */
import type { LocalNetworkView, PeerView, RemoteEndpointView } from '@weft/swarm'
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
  /** This node in the ring. */
  readonly self: { readonly name: string; readonly address: string }
}

/** One for each network with an endpoint here, in the order in which they came. */
export function networkViews(sources: NetworkViewSources): readonly LocalNetworkView[] {
  const { book, peers, self } = sources
  const views = new Map<string, LocalNetworkView>()
  for (const attachment of book.all()) {
    const { grant } = attachment
    if (grant === null) continue
    const { id } = grant.network
    const known = views.get(id)
    const attachments = [...(known?.attachments ?? []), attachmentView(attachment)]
    const others = peers.filter(({ networks }) => networks.includes(id))
    views.set(id, {
      network: grant.network,
      attachments,
      remote: known?.remote ?? remoteViews(id, sources),
      peers: [self, ...others].map(({ name, address }) => ({ name, address })),
    })
  }
  return [...views.values()]
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
