/** Changes of a whole network that reach into its containers: MTU, routes to other subnets. */
import {
  itemPath,
  type AcceptedNetwork,
  type EndpointId,
  type FailureLog,
  type LocalEndpoint,
  type SubnetSpec,
} from '@weft/dataplane'
import { Kernel, MessageWriter, writeChangeLink, writeRoute } from '@weft/linux'
import { routesOf } from './routes-of.ts'
import type { NetworkSite } from './site.ts'

/** A network whose containers are to be visited. */
export interface Round {
  readonly site: NetworkSite
  readonly network: AcceptedNetwork
  readonly failures: FailureLog
}

/** Give every end of every cable, and every device of every subnet, the network's MTU. */
export function spreadMtu(round: Round): void {
  const { failures, network, site } = round
  const batch = new MessageWriter()
  const mtuBytes = network.mtu
  for (const { bridgeIndex, vxlanIndex } of site.subnets.values()) {
    writeChangeLink(batch, vxlanIndex, { mtuBytes })
    writeChangeLink(batch, bridgeIndex, { mtuBytes })
  }
  for (const { hostIndex } of site.endpoints.values()) {
    writeChangeLink(batch, hostIndex, { mtuBytes })
  }
  const change = { operation: 'change MTU', object: `${mtuBytes} bytes` }
  failures.attempt(itemPath.network(site.id), () => site.kernel.carryOut(batch, change))
  visit(round, (container, linkIndex) => {
    container.links.change(linkIndex, { mtuBytes })
  })
}

/** Renew the routes to other subnets after those changed; `gone` are subnets as they were. */
export function spreadRoutes(round: Round, gone: readonly SubnetSpec[]): void {
  const { network, site } = round
  const { subnets } = network
  visit(round, (container, linkIndex, { addresses, endpoint }) => {
    const vni = site.endpoints.get(endpoint)?.vni
    if (vni === undefined) return
    const batch = new MessageWriter()
    const wanted = routesOf(subnets, { vni, addresses })
    const stale = new Set(gone.flatMap(({ prefixes }) => prefixes.map(({ cidr }) => cidr)))
    for (const { destination, via } of wanted) {
      writeRoute(batch, 'replace', { destination, via, linkIndex })
      stale.delete(destination)
    }
    container.carryOut(batch, { operation: 'change routes', object: `link ${linkIndex}` })
    batch.clear()
    for (const route of container.routes.list()) {
      const ours = route.linkIndex === linkIndex && route.via !== null
      if (ours && stale.has(route.destination)) {
        writeRoute(batch, 'delete', { destination: route.destination, linkIndex })
      }
    }
    // What is refused here has gone already.
    container.transact(batch)
  })
}

type Visit = (
  container: Kernel,
  linkIndex: number,
  endpoint: LocalEndpoint & { readonly endpoint: EndpointId },
) => void

/** Call `body` in the container of every endpoint that has a cable. */
function visit({ failures, network, site }: Round, body: Visit): void {
  for (const [endpoint, spec] of network.local) {
    const { attachment } = spec
    if (!site.endpoints.has(endpoint) || attachment.kind !== 'netns') continue
    failures.attempt(itemPath.local(site.id, endpoint), () => {
      using container = Kernel.open(attachment.path)
      body(container, container.links.require(attachment.ifname).index, { ...spec, endpoint })
    })
  }
}
