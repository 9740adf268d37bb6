/** What this process could carry packets with itself, found out in a throwaway namespace. */
import { parseIp } from '@weft/core'
import { openDatagramSocket, openRawDatagramSocket } from './datagram-socket.ts'
import { isKernelError, type KernelFault } from './errors.ts'
import { Features } from './features.ts'
import { Kernel } from './kernel.ts'
import { inNewNamespace } from './namespaces.ts'
import { openTap, TAP_OFFLOADS, tapProblem, type TapOffload, type TapProblem } from './tap.ts'

/** Each null where it works; the kernel's refusal where it does not. */
export interface PacketPathFacts {
  readonly tap: KernelFault | null
  /** Why there is no TAP, where that has one of the usual reasons. */
  readonly tapProblem: TapProblem | null
  /** What a TAP may leave to us. */
  readonly tapOffloads: readonly TapOffload[]
  /** Several datagrams in one message: leaving (UDP_SEGMENT), and arriving (UDP_GRO). */
  readonly segmentation: KernelFault | null
  readonly coalescing: KernelFault | null
  /** Raw sockets of protocol 50, for ESP of our own. */
  readonly rawEsp: KernelFault | null
  /** Reading and switching offloads of devices. */
  readonly features: KernelFault | null
}

/** Find out. Takes some milliseconds, leaves no trace. Throws ERR_KERNEL without namespaces. */
export function probePacketPath(): PacketPathFacts {
  return inNewNamespace(() => {
    const ip = parseIp('127.0.0.1')
    using kernel = Kernel.open()
    kernel.links.change('lo', { up: true })
    const udp = attempt(() => {
      using socket = openDatagramSocket({ local: { ip, port: 0 }, coalesce: true })
      return socket
    })
    return {
      ...probeTap(),
      segmentation: udp.value?.segmentation ?? udp.fault,
      coalescing: udp.value?.coalescing ?? udp.fault,
      rawEsp: attempt(() => openRawDatagramSocket({ local: ip, protocol: 50 }).close()).fault,
      features: attempt(() => Features.open().close()).fault,
    }
  })
}

function probeTap(): Pick<PacketPathFacts, 'tap' | 'tapProblem' | 'tapOffloads'> {
  let problem: TapProblem | null = null
  const { fault, value } = attempt(() => {
    try {
      using tap = openTap({ name: 'probe', offloads: TAP_OFFLOADS })
      return tap.offloads
    } catch (error) {
      problem = tapProblem(error)
      throw error
    }
  })
  return { tap: fault, tapProblem: problem, tapOffloads: value ?? [] }
}

type Attempted<Value> =
  | { readonly fault: null; readonly value: Value }
  | { readonly fault: KernelFault; readonly value: null }

function attempt<Value>(step: () => Value): Attempted<Value> {
  try {
    return { fault: null, value: step() }
  } catch (error) {
    if (!isKernelError(error)) throw error
    const { diagnostic, errno } = error.details
    return { fault: { errno, diagnostic }, value: null }
  }
}
