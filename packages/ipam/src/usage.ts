/** How full networks and pools are, and from when on that is worth an alarm. */
import type { Cidr } from '@weft/core'
import { sum, type NetworkLeases } from './network-leases.ts'
import type { PoolUsage, SubnetPlanner } from './subnet-planner.ts'

/** From this much used on, a network or a pool wants to grow, in percent. */
export const USAGE_ALARM_PERCENT = 75

/** How full something is. */
export interface Usage {
  readonly used: number
  /** Addresses that can be leased by themselves; without what is reserved. */
  readonly size: number
  /** Rounded down; 100 when there is nothing to hand out. */
  readonly percent: number
  /** True from USAGE_ALARM_PERCENT on. */
  readonly alarm: boolean
}

/** One network, in all and by subnet. Explicit leases outside a subnet's range count nowhere. */
export interface NetworkUsage extends Usage {
  readonly network: string
  readonly subnets: readonly (Usage & { readonly cidr: Cidr })[]
}

/** The whole address space. */
export interface IpamUsage {
  readonly pools: readonly (Usage & PoolUsage)[]
  readonly networks: readonly NetworkUsage[]
}

/** Figures of one network. */
export function networkUsage(network: NetworkLeases): NetworkUsage {
  const subnets = network.subnets.map(({ spec, usage }) => {
    return { cidr: spec.cidr, ...usageOf(usage.used, usage.size) }
  })
  const [used, size] = [sum(subnets.map((s) => s.used)), sum(subnets.map((s) => s.size))]
  return { network: network.id, subnets, ...usageOf(used, size) }
}

/** Figures of the pools: blocks in use or reserved, in addresses. */
export function poolUsage(planner: SubnetPlanner): readonly (Usage & PoolUsage)[] {
  return planner.usage().map((pool) => ({ ...pool, ...usageOf(pool.used, pool.size) }))
}

function usageOf(used: number, size: number): Usage {
  const percent = size === 0 ? 100 : Math.floor((100 * used) / size)
  return { used, size, percent, alarm: percent >= USAGE_ALARM_PERCENT }
}
