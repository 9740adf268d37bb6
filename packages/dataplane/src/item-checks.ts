/** What single values must look like before they become paths, device marks and entries. */
import { PORT_MAX, VNI_MAX, type Mac } from '@weft/core'
import type { Attachment } from './desired-state.ts'
import { ipWords, readIpText } from './ip-text.ts'

/** Longest name of a node, network or endpoint, in characters. */
export const NAME_CHARS_MAX = 64
/** Longest name of a network interface, in bytes (IFNAMSIZ less its end mark). */
export const IFNAME_BYTES_MAX = 15
/** Longest path of a network namespace, in bytes (PATH_MAX less its end mark). */
export const NETNS_PATH_BYTES_MAX = 4095

/** What is wrong with a value, and what would be right. */
export interface Problem {
  readonly problem: string
  readonly expected: string
}

const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/

/** Names become paths and marks on devices. */
export function nameProblem(name: string): Problem | null {
  if (NAME.test(name)) return null
  const expected = '1 to 64 of A-Z a-z 0-9 . _ -, not starting with a dot'
  return { problem: 'the name is not well-formed', expected }
}

const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/
const ZERO_MAC = '00:00:00:00:00:00'

/** An endpoint has a unicast MAC of its own. */
export function macProblem(mac: Mac): Problem | null {
  if (!MAC.test(mac)) {
    return {
      problem: 'the MAC is not well-formed',
      expected: 'six lower-case pairs like 02:42:0a:00:01:02',
    }
  }
  // The group bit is the lowest of the first byte: its second digit is odd.
  if ('13579bdf'.includes(mac.charAt(1))) {
    return { problem: 'the MAC is a group address', expected: 'a unicast MAC' }
  }
  return mac === ZERO_MAC ? { problem: 'the MAC is all zero', expected: 'a unicast MAC' } : null
}

/**
 * A tunnel ends at an address of one machine. Loopback will do: that is how several nodes share a
 * machine, each on a port of its own.
 */
export function tunnelAddressProblem(address: string): Problem | null {
  const problem = unicastProblem(address)
  return problem === LOOPBACK_PROBLEM ? null : problem
}

const LOOPBACK_PROBLEM = specialProblem('loopback')

function specialProblem(kind: string): Problem {
  return { problem: `the address is ${kind}`, expected: 'a unicast address' }
}

/** The address must be canonical text of one machine: not unspecified, loopback or multicast. */
export function unicastProblem(address: string): Problem | null {
  const family = readIpText(address)
  if (family === 0) {
    const expected = 'an IPv4 address in dotted decimal or an IPv6 address in the form of RFC 5952'
    return { problem: 'the address is not in canonical form', expected }
  }
  const kind = family === 4 ? specialIpv4() : specialIpv6()
  if (kind === 'loopback') return LOOPBACK_PROBLEM
  return kind === null ? null : specialProblem(kind)
}

function specialIpv4(): string | null {
  const first = (ipWords[3] as number) >>> 24
  if (first === 0) return 'unspecified'
  if (first === 127) return 'loopback'
  if (first >= 240) return 'reserved'
  return first >= 224 ? 'multicast' : null
}

function specialIpv6(): string | null {
  if ((ipWords[0] as number) >>> 24 === 0xff) return 'multicast'
  if (ipWords[0] !== 0 || ipWords[1] !== 0 || ipWords[2] !== 0) return null
  if (ipWords[3] === 0) return 'unspecified'
  return ipWords[3] === 1 ? 'loopback' : null
}

/** Zero means "any" to too many tools, and cannot be told from a missing value. */
export function portProblem(port: number): Problem | null {
  if (Number.isInteger(port) && port >= 1 && port <= PORT_MAX) return null
  return { problem: 'the port is out of range', expected: `a whole number from 1 to ${PORT_MAX}` }
}

/** VNI 0 is refused: some switches reserve it and the kernel means "external" by it. */
export function vniProblem(vni: number): Problem | null {
  if (Number.isInteger(vni) && vni >= 1 && vni <= VNI_MAX) return null
  return { problem: 'the VNI is out of range', expected: `a whole number from 1 to ${VNI_MAX}` }
}

/** Two numbers of 64 bits. */
const IDENTITY = /^[0-9]{1,20}:[0-9]{1,20}$/

/** Where the endpoint is to be plugged in must be sayable to the kernel. */
export function attachmentProblem(attachment: Attachment): Problem | null {
  if (attachment.kind !== 'netns') return null
  const { identity, ifname, path } = attachment
  if (!path.startsWith('/') || path.includes('\0') || utf8Bytes(path) > NETNS_PATH_BYTES_MAX) {
    const expected = `an absolute path of at most ${NETNS_PATH_BYTES_MAX} bytes`
    return { problem: 'the namespace path is not well-formed', expected }
  }
  if (identity !== undefined && !IDENTITY.test(identity)) {
    const expected = 'device and inode of the namespace, such as 4:4026531840'
    return { problem: 'the namespace identity is not well-formed', expected }
  }
  const bytes = utf8Bytes(ifname)
  const sized = bytes >= 1 && bytes <= IFNAME_BYTES_MAX
  // As the kernel's dev_valid_name, which also refuses control characters' neighbours: white space.
  if (!sized || ifname === '.' || ifname === '..' || /[/:\s\0%]/.test(ifname)) {
    const expected = `1 to ${IFNAME_BYTES_MAX} bytes without / : % or white space, not . or ..`
    return { problem: 'the interface name is not well-formed', expected }
  }
  return null
}

/** Bytes of a text in UTF-8. */
function utf8Bytes(text: string): number {
  let bytes = 0
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x1_0000 ? 3 : 4
  }
  return bytes
}
