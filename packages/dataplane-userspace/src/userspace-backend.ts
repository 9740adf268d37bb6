/** The userspace backend before it is opened: what this machine can do, and the way in. */
import type { Clock } from '@weft/core'
import {
  dataplaneError,
  itemErrorOf,
  type Capabilities,
  type Dataplane,
  type DataplaneBackend,
} from '@weft/dataplane'
import type { TapOffload } from '@weft/linux'
import { closeHost, openHost } from './host.ts'
import type { UserspaceOptions } from './options.ts'
import { selfTest, type SelfTestFinding } from './self-test.ts'
import { UserspaceDataplane } from './userspace-dataplane.ts'
import { probeUserspace, type UserspaceProbe } from './userspace-probe.ts'

/** The backend, whose probe also tells what it has to do without. */
export interface UserspaceBackend extends DataplaneBackend<UserspaceOptions> {
  probe(options: UserspaceOptions): Promise<UserspaceProbe>
}

/** Overlay networks by a switch in this process: TAPs, UDP sockets, a thread between them. */
export const userspaceBackend: UserspaceBackend = {
  name: 'userspace',

  async probe({ esp }) {
    return probeUserspace(esp).result
  },

  /**
   * Nothing of a predecessor is left to be adopted. Rejects with ERR_UNSUPPORTED when the machine
   * lacks something, ERR_HOST when the underlay's namespace is not there, ERR_CONFLICT when a
   * dataplane of this instance is open already.
   */
  async open(runtime, options): Promise<Dataplane> {
    const { offloads, result } = probeUserspace(options.esp)
    if (!result.usable) {
      const details = { item: options.instance, capability: result.reason }
      throw dataplaneError('ERR_UNSUPPORTED', 'the userspace backend cannot work here', details)
    }
    const { capabilities, fallbacks } = result
    const log = runtime.log.child({ dataplane: options.instance })
    try {
      const { clock } = runtime
      const { choice, lack } = await settleOffloads(capabilities, { offloads, clock })
      for (const each of [...fallbacks, ...(lack === null ? [] : [lack])]) {
        log.warn('doing without', { lack: each })
      }
      const host = openHost(options, { log, segmentation: choice.segmentation })
      try {
        const parts = { host, clock, capabilities, offloads: choice.offloads }
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

/** Without TAPs there is nothing to be tested. */
async function settleOffloads(
  { attachments }: Capabilities,
  { clock, offloads }: { readonly clock: Clock; readonly offloads: readonly TapOffload[] },
): Promise<SelfTestFinding> {
  const choice = { offloads, segmentation: true }
  return attachments.has('netns') ? selfTest(choice, clock) : { choice, lack: null }
}
