/** MACs as numbers of 48 bits: values of tables. */
import { setU16, setU32, u16, u32, type Vni } from '@weft/core'

const LOW = 2 ** 32
/** Locally administered, then "we": the kernel backend's gateways have it too. */
const GATEWAY_PREFIX = 0x0277_6500_0000

/** The MAC in the six bytes at `at`. */
export function macNumber(bytes: Uint8Array, at: number): number {
  return u16(bytes, at) * LOW + u32(bytes, at + 2)
}

/** Write a MAC into the six bytes at `at`. */
export function writeMacNumber(bytes: Uint8Array, at: number, mac: number): void {
  const high = Math.floor(mac / LOW)
  setU16(bytes, at, high)
  setU32(bytes, at + 2, mac - high * LOW)
}

/**
 * The MAC of a subnet's gateway, the same on every node and in every real backend: an endpoint that
 * moves finds its gateway at the MAC it remembers.
 */
export function gatewayMacNumber(vni: Vni): number {
  return GATEWAY_PREFIX + vni
}
