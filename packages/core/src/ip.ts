/** IP addresses of both families, as canonical strings that work as map keys and in JSON. */
import { assert } from './assert.ts'
import { setU16, setU8, u16, u8 } from './bytes.ts'
import { valueError } from './value-errors.ts'

/** An IPv4 address in dotted decimal or an IPv6 address in the form of RFC 5952. */
export type Ip = string & { readonly __ip: never }

/** The two address families, by version number. */
export type IpFamily = 4 | 6

/** Bytes of an IPv4 address. */
export const IPV4_BYTES = 4
/** Bytes of an IPv6 address. */
export const IPV6_BYTES = 16

/** The family of an address. */
export function ipFamily(address: Ip): IpFamily {
  return address.includes(':') ? 6 : 4
}

/** Bytes of an address of this family: 4 or 16. */
export function ipLength(family: IpFamily): number {
  return family === 4 ? IPV4_BYTES : IPV6_BYTES
}

/** Read an address of either family. Throws ERR_INVALID_VALUE; zone suffixes are refused. */
export function parseIp(text: string): Ip {
  const address = readIp(text)
  if (address === null) {
    throw valueError('ERR_INVALID_VALUE', 'not an IP address', {
      kind: 'ip',
      text,
      expected: 'an IPv4 address like 10.0.1.2 or an IPv6 address like fd00::2',
    })
  }
  return address
}

/** As `parseIp`, but null for text that is no address: for texts that have one inside. */
export function readIp(text: string): Ip | null {
  const bytes = text.includes(':') ? parseIpv6Text(text) : parseIpv4Text(text)
  return bytes === null ? null : ipFromBytes(bytes, 0, bytes.length === IPV4_BYTES ? 4 : 6)
}

function parseIpv4Text(text: string): Uint8Array | null {
  const parts = text.split('.')
  if (parts.length !== IPV4_BYTES) return null
  const bytes = new Uint8Array(IPV4_BYTES)
  for (const [i, part] of parts.entries()) {
    // A leading zero means octal to some readers and decimal to others: refuse it.
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return null
    bytes[i] = Number(part)
  }
  return bytes
}

function parseIpv6Text(text: string): Uint8Array | null {
  const halves = text.split('::')
  if (halves.length > 2) return null
  const head = parseGroups(halves[0] ?? '', halves.length === 1)
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? '', true) : []
  if (head === null || tail === null) return null
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail]
  const bytes = new Uint8Array(IPV6_BYTES)
  groups.forEach((group, i) => setU16(bytes, 2 * i, group))
  return bytes
}

/** Groups of 16 bits; only the last part of an address may end in dotted decimal. */
function parseGroups(text: string, dottedTail: boolean): number[] | null {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [i, part] of parts.entries()) {
    if (dottedTail && i === parts.length - 1 && part.includes('.')) {
      const v4 = parseIpv4Text(part)
      if (v4 === null) return null
      groups.push(u16(v4, 0), u16(v4, 2))
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(parseInt(part, 16))
    else return null
  }
  return groups
}

/** The address that stands in 4 or 16 bytes from `start`. */
export function ipFromBytes(bytes: Uint8Array, start: number, family: IpFamily): Ip {
  return family === 4 ? ipv4FromBytes(bytes, start) : ipv6FromBytes(bytes, start)
}

function ipv4FromBytes(bytes: Uint8Array, at: number): Ip {
  const b = bytes
  return `${u8(b, at)}.${u8(b, at + 1)}.${u8(b, at + 2)}.${u8(b, at + 3)}` as Ip
}

/** RFC 5952: lower case, no leading zeros, the first longest run of two or more zero groups cut. */
function ipv6FromBytes(bytes: Uint8Array, start: number): Ip {
  const groups = Array.from({ length: 8 }, (_, i) => u16(bytes, start + 2 * i))
  const run = longestZeroRun(groups)
  const hex = (part: number[]): string => part.map((g) => g.toString(16)).join(':')
  if (run.length < 2) return hex(groups) as Ip
  return `${hex(groups.slice(0, run.at))}::${hex(groups.slice(run.at + run.length))}` as Ip
}

function longestZeroRun(groups: readonly number[]): { at: number; length: number } {
  let best = { at: 0, length: 0 }
  for (let i = 0; i < groups.length; i++) {
    let length = 0
    while (groups[i + length] === 0) length++
    if (length > best.length) best = { at: i, length }
    i += length
  }
  return best
}

/** Write the 4 or 16 bytes of an address at `start`; returns how many. */
export function writeIp(bytes: Uint8Array, start: number, address: Ip): number {
  if (ipFamily(address) === 4) return writeIpv4(bytes, start, address)
  const parsed = parseIpv6Text(address)
  if (parsed === null) throw new Error(`bug: ${address} was never parsed as an address`)
  bytes.set(parsed, start)
  return IPV6_BYTES
}

function writeIpv4(bytes: Uint8Array, start: number, address: Ip): number {
  let value = 0
  let at = start
  for (let i = 0; i < address.length; i++) {
    const char = address.charCodeAt(i)
    if (char === 0x2e) {
      setU8(bytes, at++, value)
      value = 0
    } else value = 10 * value + (char - 0x30)
  }
  setU8(bytes, at, value)
  return IPV4_BYTES
}

/** The bytes of an address in network order. */
export function ipBytes(address: Ip): Uint8Array {
  const bytes = new Uint8Array(ipLength(ipFamily(address)))
  writeIp(bytes, 0, address)
  return bytes
}

/** The address as a number, for arithmetic on ranges. */
export function ipToBigInt(address: Ip): bigint {
  let value = 0n
  for (const byte of ipBytes(address)) value = (value << 8n) | BigInt(byte)
  return value
}

/** The address with this number in this family. The number must fit the family. */
export function ipFromBigInt(value: bigint, family: IpFamily): Ip {
  const bytes = new Uint8Array(ipLength(family))
  let rest = value
  for (let i = bytes.length - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn)
    rest >>= 8n
  }
  assert(rest === 0n, 'a number that stands for an address fits its family')
  return ipFromBytes(bytes, 0, family)
}

/** True for 224.0.0.0/4 and ff00::/8. */
export function isMulticastIp(address: Ip): boolean {
  const first = u8(ipBytes(address), 0)
  return ipFamily(address) === 4 ? first >= 224 && first < 240 : first === 0xff
}
