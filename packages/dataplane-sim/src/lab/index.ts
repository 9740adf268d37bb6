/** A simulated world of hosts with dataplanes, for tests and demonstrations. */
export { SimCard } from './sim-card.ts'
export { SimLabEndpoint } from './sim-lab-endpoint.ts'
export type { SimLabNode } from './sim-lab-node.ts'
export { openSimLab, SimLab, type SimLabVariant } from './sim-lab.ts'
export { hostMac, ROUTER_MAC, underlayFrame, UnderlayTap } from './underlay-tap.ts'
