/** The MAC that a subnet's gateway answers with. */
import { MAC_BYTES, setU24, type Vni } from '@weft/core'

/**
 * Locally administered, then "we", then the VNI: the same on every node and in every real backend.
 * An endpoint that moves finds its gateway at the MAC it remembers.
 */
export function gatewayMac(vni: Vni): Uint8Array {
  const bytes = Uint8Array.of(0x02, 0x77, 0x65, 0, 0, 0)
  setU24(bytes, 3, vni)
  return bytes
}

/** Whether this MAC stands at `at`. */
export function isMacAt(bytes: Uint8Array, at: number, mac: Uint8Array): boolean {
  // MACs of one vendor differ at the end.
  for (let i = MAC_BYTES - 1; i >= 0; i--) if (bytes[at + i] !== mac[i]) return false
  return true
}
