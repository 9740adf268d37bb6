/** Where simulated hosts live. */
import { parseIp, type SocketAddress } from '@weft/core'

/** Docker's port of gossip (docker-wire §1.1). */
export const GOSSIP_PORT = 7946

/** The address of host `index`: 10.0.0.1 is the first. */
export function hostAddress(index: number): SocketAddress {
  const number = index + 1
  const ip = `10.${number >>> 16}.${(number >>> 8) & 0xff}.${number & 0xff}`
  return { ip: parseIp(ip), port: GOSSIP_PORT }
}
