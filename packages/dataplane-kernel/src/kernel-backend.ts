/** The kernel backend before it is opened: what this machine can do, and the way in. */
import type { IpFamily } from '@weft/core'
import {
  dataplaneError,
  itemErrorOf,
  overlayMtu,
  type Capabilities,
  type DataplaneBackend,
  type ProbeResult,
} from '@weft/dataplane'
import {
  probeKernel,
  type KernelAbility,
  type KernelFacts,
} from '@weft/linux'
import { closeHost, openHost } from './host.ts'
import { KernelDataplane } from './kernel-dataplane.ts'
import type { KernelOptions } from './options.ts'

/** Largest IP packet, in bytes (RFC 791 §3.1): an underlay can have no larger MTU. */
export const IP_PACKET_BYTES_MAX = 65_535

/** What must work or there is no dataplane. */
const NEEDED: readonly KernelAbility[] = ['network-namespace', 'bridge', 'vxlan', 'veth']

/** Overlay networks by the Linux kernel: namespaces, bridges, VXLAN devices and veths. */
export const kernelBackend: DataplaneBackend<KernelOptions> = {
  name: 'kernel',

  async probe() {
    return probeResult(probeKernel())
  },

  /**
   * Adopts what a predecessor of the same instance left. Rejects with ERR_UNSUPPORTED when the
   * kernel lacks something, ERR_HOST when the underlay's namespace is not there, ERR_CONFLICT when
   * a dataplane of this instance is open already.
   */
  async open(runtime, options, probed) {
    // Devices are made and removed to find out: not twice where one has just asked.
    const result = probed ?? probeResult(probeKernel())
    if (!result.usable) {
      const details = { item: options.instance, capability: result.reason }
      throw dataplaneError('ERR_UNSUPPORTED', 'the kernel backend cannot work here', details)
    }
    const { capabilities } = result
    const log = runtime.log.child({ dataplane: options.instance })
    try {
      const host = openHost(options, log)
      const dataplane = new KernelDataplane({ host, clock: runtime.clock, capabilities })
      try {
        dataplane.start()
      } catch (error) {
        closeHost(host)
        throw error
      }
      return dataplane
    } catch (error) {
      throw itemErrorOf(options.underlayNamespace ?? options.instance, error)
    }
  },
}

/** What a kernel with these abilities can be used for. */
export function probeResult(facts: KernelFacts): ProbeResult {
  for (const ability of NEEDED) {
    const fault = facts[ability]
    if (fault === null) continue
    return { usable: false, reason: `${ability}: ${fault.errno}: ${fault.diagnostic}` }
  }
  return { usable: true, capabilities: capabilitiesOf(facts) }
}

function capabilitiesOf(facts: KernelFacts): Capabilities {
  // Without rules that keep clear datagrams in and out, ESP is no protection.
  const encrypts = facts.esp === null && facts.nftables === null
  const families = new Set<IpFamily>(facts['vxlan-over-ipv6'] === null ? [4, 6] : [4])
  return {
    attachments: new Set(['netns']),
    encapsulations: new Set(encrypts ? ['vxlan', 'vxlan-esp'] : ['vxlan']),
    underlayFamilies: families,
    overlayFamilies: families,
    mtuMaxBytes: overlayMtu(IP_PACKET_BYTES_MAX, 6),
    persistent: true,
    replayWindow: encrypts,
  }
}

