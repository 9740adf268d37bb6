/** The underlay: hosts as namespaces, each with a cable to a bridge in the router's namespace. */
import { interfaceAddress, parseCidr, type Cidr, type IpFamily } from '@weft/core'
import { LabNamespace } from './lab-namespace.ts'
import {
  planUnderlay,
  type HostPlan,
  type SubnetPlan,
  type UnderlayOptions,
  type UnderlayPlan,
} from './underlay-plan.ts'

/** A host that exists: its plan, and its namespace. */
export interface LabHost extends HostPlan {
  readonly netns: LabNamespace
}

/** Hosts that reach each other; nothing else is inside. */
export interface Underlay extends Disposable {
  readonly plan: UnderlayPlan
  readonly router: LabNamespace
  readonly hosts: readonly LabHost[]
  /** Remove all its namespaces. Idempotent. */
  close(): void
}

const ROUTER_SETTINGS = {
  'net.ipv4.ip_forward': '1',
  'net.ipv6.conf.all.forwarding': '1',
}

const DEFAULT_ROUTES: { readonly [family in IpFamily]: Cidr } = {
  4: parseCidr('0.0.0.0/0'),
  6: parseCidr('::/0'),
}

/**
 * Build an underlay. When a step fails, what was built is removed. Throws ERR_LAB_REQUEST for an
 * impossible one and ERR_KERNEL for what the kernel refuses (EEXIST: a lab of this prefix is up).
 */
export function openUnderlay(options: UnderlayOptions): Underlay {
  const plan = planUnderlay(options)
  const made: LabNamespace[] = []
  const make = (...args: Parameters<typeof LabNamespace.create>): LabNamespace => {
    const namespace = LabNamespace.create(...args)
    made.push(namespace)
    return namespace
  }
  const close = (): void => {
    for (const namespace of made.splice(0).reverse()) namespace.close()
  }
  try {
    const router = make(plan.router, ROUTER_SETTINGS)
    const bridges = plan.subnets.map((subnet) => makeBridge(router, subnet, plan))
    const hosts = plan.hosts.map((host) => {
      const netns = make(host.namespace)
      connectHost({ router, netns, plan }, host, bridges[host.subnet] ?? 0)
      return { ...host, netns }
    })
    return { plan, router, hosts, close, [Symbol.dispose]: close }
  } catch (error) {
    close()
    throw error
  }
}

/** Returns the index of the bridge. */
function makeBridge(router: LabNamespace, subnet: SubnetPlan, plan: UnderlayPlan): number {
  const { addresses, links } = router.kernel
  const linkIndex = links.create({
    kind: 'bridge',
    name: subnet.bridge,
    mac: subnet.mac,
    mtuBytes: plan.mtuBytes,
    // Snooping would need a querier to let neighbour solicitations through.
    bridge: { multicastSnooping: false },
    up: true,
  })
  for (const family of plan.families) {
    const address = interfaceAddress(subnet.gateways[family], subnet.prefixes[family])
    addresses.apply('create', { linkIndex, address, noDuplicateDetection: true })
  }
  return linkIndex
}

function connectHost(
  place: { readonly router: LabNamespace; readonly netns: LabNamespace; readonly plan: UnderlayPlan },
  host: HostPlan,
  masterIndex: number,
): void {
  const { router, netns, plan } = place
  const { mtuBytes } = plan
  const { kernel } = netns
  const namespaceFd = kernel.namespace.fd
  router.kernel.links.create({
    kind: 'veth',
    name: host.port,
    mtuBytes,
    masterIndex,
    up: true,
    peer: { name: host.ifname, mac: host.mac, mtuBytes, namespaceFd },
  })
  const linkIndex = kernel.links.require(host.ifname).index
  kernel.links.change(linkIndex, { up: true })
  for (const family of plan.families) {
    const address = host.addresses[family]
    kernel.addresses.apply('create', { linkIndex, address, noDuplicateDetection: true })
    const via = plan.subnets[host.subnet]?.gateways[family]
    const destination = DEFAULT_ROUTES[family]
    if (via !== undefined) kernel.routes.apply('create', { destination, via, linkIndex })
  }
}
