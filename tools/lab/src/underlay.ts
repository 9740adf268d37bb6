/** The underlay: hosts as namespaces, each with a cable to a bridge in the router's namespace. */
import { interfaceAddress, parseCidr, type Cidr, type IpFamily } from '@weft/core'
import { LabNamespace } from './lab-namespace.ts'
import {
  planHost,
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

const ROUTER_SETTINGS = {
  'net.ipv4.ip_forward': '1',
  'net.ipv6.conf.all.forwarding': '1',
}

const DEFAULT_ROUTES: { readonly [family in IpFamily]: Cidr } = {
  4: parseCidr('0.0.0.0/0'),
  6: parseCidr('::/0'),
}

/** Hosts that reach each other. Invariant: every host listed exists and is connected. */
export class Underlay implements Disposable {
  readonly plan: UnderlayPlan
  readonly router: LabNamespace
  readonly #hosts: LabHost[] = []
  readonly #bridges: readonly number[]

  private constructor(plan: UnderlayPlan) {
    this.plan = plan
    this.router = LabNamespace.create(plan.router, ROUTER_SETTINGS)
    try {
      this.#bridges = plan.subnets.map((subnet) => makeBridge(this.router, subnet, plan))
      for (const host of plan.hosts) this.#add(host)
    } catch (error) {
      this.close()
      throw error
    }
  }

  /**
   * Build an underlay. When a step fails, what was built is removed. Throws ERR_LAB_REQUEST for an
   * impossible one and ERR_KERNEL for what the kernel refuses (EEXIST: one of this prefix is up).
   */
  static open(options: UnderlayOptions): Underlay {
    return new Underlay(planUnderlay(options))
  }

  get hosts(): readonly LabHost[] {
    return this.#hosts
  }

  /** One more host. Throws ERR_LAB_REQUEST when there are too many, or ERR_KERNEL. */
  addHost(): LabHost {
    return this.#add(planHost(this.plan, this.#hosts.length + 1))
  }

  /** Remove all its namespaces. Idempotent. */
  close(): void {
    for (const host of this.#hosts.splice(0)) host.netns.close()
    this.router.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #add(plan: HostPlan): LabHost {
    const netns = LabNamespace.create(plan.namespace)
    const host = { ...plan, netns }
    this.#hosts.push(host)
    connectHost(this.router, { ...this.plan, host }, this.#bridges[plan.subnet] ?? 0)
    return host
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
  router: LabNamespace,
  { families, host, mtuBytes, subnets }: UnderlayPlan & { readonly host: LabHost },
  masterIndex: number,
): void {
  const { kernel } = host.netns
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
  for (const family of families) {
    const address = host.addresses[family]
    kernel.addresses.apply('create', { linkIndex, address, noDuplicateDetection: true })
    const via = subnets[host.subnet]?.gateways[family]
    const destination = DEFAULT_ROUTES[family]
    if (via !== undefined) kernel.routes.apply('create', { destination, via, linkIndex })
  }
}
