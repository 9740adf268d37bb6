/** The simulated backend, as composers name it. */
import type { DataplaneBackend, Capabilities, ProbeResult } from '@weft/dataplane'
import { SimDataplane, type SimOptions } from './sim-dataplane.ts'
import type { SimMachine } from './sim-machine.ts'

/** UDP's largest payload over IPv4 less VXLAN and the inner Ethernet header, in bytes. */
export const SIM_MTU_MAX_BYTES = 65_507 - 8 - 14

/** How soon damage is noticed unless the options say otherwise, in milliseconds. */
export const SIM_AUDIT_INTERVAL_MS = 100

/** All that the simulation can do. Tests withhold some of it. */
export const SIM_CAPABILITIES: Capabilities = {
  attachments: new Set(['port']),
  encapsulations: new Set(['vxlan']),
  underlayFamilies: new Set([4, 6]),
  overlayFamilies: new Set([4, 6]),
  mtuMaxBytes: SIM_MTU_MAX_BYTES,
  persistent: true,
}

/** Options with everything usual. */
export function simOptions(machine: SimMachine): SimOptions {
  const auditIntervalMs = SIM_AUDIT_INTERVAL_MS
  return { machine, capabilities: SIM_CAPABILITIES, auditIntervalMs }
}

/** The executable specification as a backend. */
export const simBackend: DataplaneBackend<SimOptions> = {
  name: 'sim',
  async probe({ capabilities }: SimOptions): Promise<ProbeResult> {
    return { usable: true, capabilities }
  },
  async open(runtime, options) {
    return new SimDataplane(runtime, options)
  },
}
