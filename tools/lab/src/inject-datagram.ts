/** Putting one UDP datagram on the underlay past all that a host does with what it sends. */
import type { Mac, SocketAddress } from '@weft/core'
import { sendFrames } from '@weft/linux'
import { ENTROPY_PORT_MIN, udpFrame } from '@weft/wire'
import { labError } from './lab-errors.ts'
import type { LabHost } from './underlay.ts'

/** From whom, to where, and the next hop. */
export interface InjectionPath {
  readonly from: LabHost
  /** An address of the sender's. */
  readonly source: SocketAddress
  readonly to: SocketAddress
  readonly nextHop: Mac
}

/**
 * Send a datagram out of a host's link as a frame: its firewall, its routes and its IPsec never see
 * it. Port 0 is any. Throws ERR_KERNEL, or ERR_LAB_REQUEST for what the link does not take.
 */
export function injectDatagram(
  { from, nextHop, source, to }: InjectionPath,
  payload: Uint8Array,
): void {
  const { kernel } = from.netns
  const bytes = udpFrame(
    { sourceMac: from.mac, destinationMac: nextHop, source: source.ip, destination: to.ip },
    { sourcePort: source.port || ENTROPY_PORT_MIN, destinationPort: to.port, payload },
  )
  const linkIndex = kernel.links.require(from.ifname).index
  const [refusal] = sendFrames({ namespace: kernel.namespace.fd }, [{ linkIndex, bytes }])
  if (refusal === undefined) return
  throw labError('ERR_LAB_REQUEST', 'a frame cannot be sent', {
    problem: refusal.diagnostic,
    expected: 'a frame that the link takes',
  })
}
