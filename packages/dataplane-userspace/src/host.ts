/** What all operations of one dataplane work on: its underlay, and where TAPs are made. */
import { conflictError } from '@weft/dataplane'
import { addressOf, type Ip, type Logger } from '@weft/core'
import { holdName, inNewNamespace, isKernelError, Kernel, type HeldName } from '@weft/linux'
import type { UserspaceOptions } from './options.ts'

/** One dataplane's place in the machine. */
export interface Host {
  readonly options: UserspaceOptions
  readonly log: Logger
  /** Held as long as we are open; shared with the kernel backend's, whose items ours would be. */
  readonly claim: HeldName
  /** The kernel in the namespace whose addresses carry the tunnels. */
  readonly underlay: Kernel
  /**
   * A namespace without a name. A TAP's descriptor keeps the namespace alive that it was opened
   * in; opened here, and the device moved on, a container can go when it wants to.
   */
  readonly workshop: Kernel
  /** Whether sockets may be given several datagrams at once, where they can be. */
  readonly segmentation: boolean
}

/**
 * Take hold of the underlay. Throws ERR_KERNEL when its namespace is not there or none can be
 * made, ERR_CONFLICT when somebody who is alive owns the instance.
 */
export function openHost(
  options: UserspaceOptions,
  { log, segmentation }: Pick<Host, 'log' | 'segmentation'>,
): Host {
  const underlay = Kernel.open(options.underlayNamespace ?? undefined)
  try {
    const claim = claimInstance(options.instance, underlay)
    try {
      const workshop = inNewNamespace(() => Kernel.open())
      return { options, log, claim, underlay, workshop, segmentation }
    } catch (error) {
      claim.close()
      throw error
    }
  } catch (error) {
    underlay.close()
    throw error
  }
}

function claimInstance(instance: string, underlay: Kernel): HeldName {
  try {
    return holdName(`weft/dataplane/${instance}`, { namespace: underlay.namespace.fd })
  } catch (error) {
    if (!isKernelError(error, 'EADDRINUSE')) throw error
    const owner = 'another dataplane of this instance, still open'
    throw conflictError(`instance ${instance}`, owner, error)
  }
}

/** Let go of everything. */
export function closeHost({ claim, underlay, workshop }: Host): void {
  workshop.close()
  claim.close()
  underlay.close()
}

/** MTU of the underlay interface that has this address, in bytes; null when none has it. */
export function underlayMtuBytes({ underlay }: Host, ip: Ip): number | null {
  const carrier = underlay.addresses.list().find(({ address }) => addressOf(address) === ip)
  if (carrier === undefined) return null
  return underlay.links.get(carrier.linkIndex)?.mtuBytes ?? null
}
