/** An address with a UDP or TCP port. */
import { ipFamily, type Ip } from './ip.ts'

/** The highest port: 16 bits in the headers of UDP and TCP. */
export const PORT_MAX = 65_535

/** Where datagrams come from or go to. */
export interface SocketAddress {
  readonly ip: Ip
  /** 0 to 65,535. */
  readonly port: number
}

/** `10.0.0.1:4789` or `[fd00::1]:4789`. */
export function formatSocketAddress({ ip, port }: SocketAddress): string {
  return ipFamily(ip) === 6 ? `[${ip}]:${port}` : `${ip}:${port}`
}
