/** The executable specification of a dataplane, and the simulated machine it programs. */
export {
  forwardingRules,
  type Decision,
  type DropReason,
  type ForwardingRules,
  type Passage,
} from './decide.ts'
export {
  simBackend,
  simOptions,
  SIM_AUDIT_INTERVAL_MS,
  SIM_CAPABILITIES,
  SIM_MTU_MAX_BYTES,
} from './sim-backend.ts'
export { ForeignObjects, type ForeignObject } from './foreign-objects.ts'
export { mtuAt, wipe } from './machine-wide.ts'
export { SimDataplane, type SimOptions } from './sim-dataplane.ts'
export { SimMachine, type MachineCounters, type SimMachineOptions } from './sim-machine.ts'
export { gatewayMac, SimSubnet, type Plug, type SubnetFrame } from './sim-subnet.ts'
export { TUNNEL_SOURCE_PORTS } from './sim-tunnel.ts'
