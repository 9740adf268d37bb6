/** The userspace backend before it is opened: what this machine can do, and the way in. */
import { dataplaneError, type Dataplane, type DataplaneBackend } from '@weft/dataplane'
import { itemErrorOf } from './failures.ts'
import { closeHost, openHost } from './host.ts'
import type { UserspaceOptions } from './options.ts'
import { UserspaceDataplane } from './userspace-dataplane.ts'
import { probeUserspace, type UserspaceProbe } from './userspace-probe.ts'

/** The backend, whose probe also tells what it has to do without. */
export interface UserspaceBackend extends DataplaneBackend<UserspaceOptions> {
  probe(options: UserspaceOptions): Promise<UserspaceProbe>
}

/** Overlay networks by a switch in this process: TAPs, UDP sockets, a thread between them. */
export const userspaceBackend: UserspaceBackend = {
  name: 'userspace',

  async probe() {
    return probeUserspace().result
  },

  /**
   * Nothing of a predecessor is left to be adopted. Rejects with ERR_UNSUPPORTED when the machine
   * lacks something, ERR_HOST when the underlay's namespace is not there, ERR_CONFLICT when a
   * dataplane of this instance is open already.
   */
  async open(runtime, options): Promise<Dataplane> {
    const { offloads, result } = probeUserspace()
    if (!result.usable) {
      const details = { item: options.instance, capability: result.reason }
      throw dataplaneError('ERR_UNSUPPORTED', 'the userspace backend cannot work here', details)
    }
    const { capabilities, fallbacks } = result
    const log = runtime.log.child({ dataplane: options.instance })
    for (const lack of fallbacks) log.warn('doing without', { lack })
    try {
      const host = openHost(options, log)
      try {
        const parts = { host, clock: runtime.clock, capabilities, offloads }
        const dataplane = new UserspaceDataplane(parts)
        dataplane.start()
        return dataplane
      } catch (error) {
        closeHost(host)
        throw error
      }
    } catch (error) {
      throw itemErrorOf(options.underlayNamespace ?? options.instance, error)
    }
  },
}
