/** Backends by name. Each is loaded only when it is chosen. */
import type { Ip } from '@weft/core'
import type { NodeRuntime } from '@weft/runtime-node'
import { nodeMachine, type DataplaneChoice } from '@weft/sdk'
import type { DaemonOptions } from './daemon-options.ts'

/** What an underlay usually carries, in bytes; a simulated machine cannot ask its interfaces. */
const SIM_UNDERLAY_MTU_BYTES = 1500

/** The backend that was asked for, with its options. Throws ERR_INVALID_VALUE for `instance`. */
export async function chooseDataplane(
  { dataplane, instance }: Pick<DaemonOptions, 'dataplane' | 'instance'>,
  { underlay }: NodeRuntime,
): Promise<DataplaneChoice<never>> {
  if (dataplane === 'kernel') {
    const { kernelBackend, kernelOptions } = await import('@weft/dataplane-kernel')
    return { backend: kernelBackend, options: kernelOptions({ instance }) as never }
  }
  if (dataplane === 'userspace') {
    const { userspaceBackend, userspaceOptions } = await import('@weft/dataplane-userspace')
    return { backend: userspaceBackend, options: userspaceOptions({ instance }) as never }
  }
  const { SimMachine, simBackend, simOptions } = await import('@weft/dataplane-sim')
  const addresses = nodeMachine().addresses()
  const mtuBytes = new Map<Ip, number>(
    addresses.map(({ ip }) => [ip, SIM_UNDERLAY_MTU_BYTES] as const),
  )
  const machine = new SimMachine({ underlay, mtuBytes })
  return { backend: simBackend, options: simOptions(machine) as never }
}
