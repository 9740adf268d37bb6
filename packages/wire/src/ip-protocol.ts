/** Protocol numbers shared by IPv4's protocol field and IPv6's next header field (IANA). */

/** Protocols by name; others survive as numbers. */
export const IP_PROTOCOL = {
  icmp: 1,
  tcp: 6,
  udp: 17,
  esp: 50,
  icmpv6: 58,
  none: 59,
} as const

const NAMES = new Map<number, string>(
  Object.entries(IP_PROTOCOL).map(([name, protocol]) => [protocol, name]),
)

/** The name of a protocol, or `protocol 47`. */
export function nameOfProtocol(protocol: number): string {
  return NAMES.get(protocol) ?? `protocol ${protocol}`
}
