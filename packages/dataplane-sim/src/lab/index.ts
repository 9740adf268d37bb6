/** A simulated world of hosts with dataplanes, for tests and demonstrations. */
export { SimLabEndpoint } from './sim-lab-endpoint.ts'
export { SimLabNode } from './sim-lab-node.ts'
export { openSimLab, SimLab, type SimLabVariant } from './sim-lab.ts'
export { hostMac, ROUTER_MAC, underlayFrame, UnderlayTap } from './underlay-tap.ts'
