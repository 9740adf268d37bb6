/** Which addresses a node uses: what the user said, or the only ones it has. */
import {
  formatSocketAddress,
  hasCode,
  ipFamily,
  parseIp,
  PORT_MAX,
  type Ip,
  type SocketAddress,
} from '@weft/core'
import { swarmError } from '@weft/swarm'
import type { InterfaceIp } from './machine.ts'

/** Where managers listen unless told otherwise (docker-wire §1.1). */
export const CLUSTER_PORT = 2377

/** Texts of a user; null: not given. */
export interface AddressRequest {
  readonly listenAddress: string | null
  readonly advertiseAddress: string | null
  readonly dataPathAddress: string | null
}

/** What they come to. */
export interface ChosenAddresses {
  readonly listen: SocketAddress
  /** Null: to be learned from the connection to a manager (docker-wire §1.2). */
  readonly advertise: SocketAddress | null
  /** The VTEP's; null: as `advertise`. */
  readonly dataPathIp: Ip | null
}

/** Devices that container engines make: what they carry is no address of the underlay. */
const ENGINE_DEVICES = /^(docker|br-|veth|virbr|weft|cni|flannel)/

/**
 * Read what the user said. Each may name an interface instead of an address. Throws
 * ERR_INVALID_ARGUMENT with Docker's words and the addresses that would do.
 */
export function readAddresses(
  request: AddressRequest,
  machine: readonly InterfaceIp[],
): ChosenAddresses {
  const listen = readListen(request.listenAddress, machine)
  const { advertiseAddress: advertised, dataPathAddress: dataPath } = request
  const dataPathIp = dataPath === null ? null : readHost(dataPath, machine, DATA_PATH_WORDS)
  if (dataPathIp !== null) refuseUnlessLocal(dataPathIp, machine)
  if (advertised === null) return { listen, advertise: null, dataPathIp }
  const { host, port } = splitPort(advertised, listen.port, ADVERTISE_WORDS)
  const ip = readHost(host, machine, ADVERTISE_WORDS)
  // Behind address translation others know us by an address that we do not have.
  const isExplained = !isWildcard(listen.ip) || dataPathIp !== null
  if (!isExplained && !isLocal(ip, machine)) {
    throw invalid(`${MUST_LISTEN_WORDS}${candidates(machine)}`, ip)
  }
  return { listen, advertise: { ip, port }, dataPathIp }
}

/**
 * Both addresses by what the user said and the machine has now; null when that names none, or more
 * than one.
 */
export function findAddresses(
  request: Omit<AddressRequest, 'listenAddress'> & { readonly listen: SocketAddress },
  machine: readonly InterfaceIp[],
): { readonly advertise: SocketAddress; readonly dataPathIp: Ip } | null {
  const { listen } = request
  try {
    const chosen = readAddresses({ ...request, listenAddress: null }, machine)
    const ip = chosen.advertise?.ip ?? onlyAddress(listen, machine)
    const port = chosen.advertise?.port ?? listen.port
    return { advertise: { ip, port }, dataPathIp: chosen.dataPathIp ?? ip }
  } catch (error) {
    if (hasCode(error, 'ERR_INVALID_ARGUMENT')) return null
    throw error
  }
}

/** The one address that others can reach us at. Throws ERR_INVALID_ARGUMENT if there are more. */
export function onlyAddress(listen: SocketAddress, machine: readonly InterfaceIp[]): Ip {
  if (!isWildcard(listen.ip)) return listen.ip
  const usable = usableAddresses(machine)
  const v4 = usable.filter(({ ip }) => ipFamily(ip) === 4)
  const [first, second] = v4.length > 0 ? v4 : usable
  if (first === undefined) throw invalid("could not find the system's IP address", 'advertise')
  if (second === undefined) return first.ip
  const where =
    first.ifname === second.ifname
      ? `interface ${first.ifname} (${first.ip} and ${second.ip})`
      : `different interfaces (${first.ip} on ${first.ifname} and ${second.ip} on ${second.ifname})`
  const why = 'could not choose an IP address to advertise since this system has multiple addresses'
  throw invalid(`${why} on ${where}`, 'advertise')
}

/** `host` or `host:port` of a manager, with the port that is meant. */
export function managerAddress(text: string): string {
  const words = 'remote address must be an IP address or a host name (with optional port number)'
  const { host, port } = splitPort(text.trim(), CLUSTER_PORT, words)
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

const ADVERTISE_WORDS =
  'advertise address must be a non-zero IP address or network interface (with optional port number)'
const MUST_LISTEN_WORDS =
  'must specify a listening address because the address to advertise is not recognized as a ' +
  'system address'
const LISTEN_WORDS =
  'listen address must be an IP address or network interface (with optional port number)'
const NOT_LISTENING_WORDS = 'manager stopped: failed to listen on remote API address: '
const DATA_PATH_WORDS =
  'data path address must be a non-zero IP address or network interface (without a port number)'

function readListen(text: string | null, machine: readonly InterfaceIp[]): SocketAddress {
  const { host, port } = splitPort(text ?? '0.0.0.0', CLUSTER_PORT, LISTEN_WORDS)
  const ip = host === '' ? parseIp('0.0.0.0') : (tryIp(host) ?? ipOf(host, machine, LISTEN_WORDS))
  if (!isWildcard(ip) && !isLocal(ip, machine)) {
    const address = formatSocketAddress({ ip, port })
    const problem = `listen tcp ${address}: bind: cannot assign requested address`
    throw invalid(`${NOT_LISTENING_WORDS}${problem}${candidates(machine)}`, ip)
  }
  return { ip, port }
}

function readHost(host: string, machine: readonly InterfaceIp[], words: string): Ip {
  const ip = tryIp(host) ?? ipOf(host, machine, words)
  if (isWildcard(ip)) throw invalid(words, host)
  return ip
}

/** The address of an interface: its only one, of IPv4 if it has any. */
function ipOf(ifname: string, machine: readonly InterfaceIp[], words: string): Ip {
  const own = machine.filter((one) => one.ifname === ifname)
  if (own.length === 0) throw invalid(`${words}${candidates(machine)}`, ifname)
  const usable = own.filter(({ ip }) => !ip.startsWith('fe80:'))
  for (const family of [4, 6] as const) {
    const [first, second] = usable.filter(({ ip }) => ipFamily(ip) === family)
    if (first === undefined) continue
    if (second === undefined) return first.ip
    const both = `(${first.ip} and ${second.ip})`
    throw invalid(`interface ${ifname} has more than one IPv${family} address ${both}`, ifname)
  }
  throw invalid(`interface ${ifname} has no usable IPv4 or IPv6 address`, ifname)
}

function isLocal(ip: Ip, machine: readonly InterfaceIp[]): boolean {
  // All of 127.0.0.0/8 is this host's.
  return ip.startsWith('127.') || machine.some((one) => one.ip === ip)
}

function refuseUnlessLocal(ip: Ip, machine: readonly InterfaceIp[]): void {
  if (isLocal(ip, machine)) return
  throw invalid(`${ip} is not an address of this system${candidates(machine)}`, ip)
}

function candidates(machine: readonly InterfaceIp[]): string {
  const usable = usableAddresses(machine).map(({ ip, ifname }) => `${ip} on ${ifname}`)
  return usable.length === 0 ? '; it has none' : `; it has ${usable.join(', ')}`
}

function usableAddresses(machine: readonly InterfaceIp[]): InterfaceIp[] {
  return machine.filter(({ ifname, isHostOnly }) => !isHostOnly && !ENGINE_DEVICES.test(ifname))
}

/** Takes `host`, `host:port`, `[v6]:port` and a bare IPv6 address. */
function splitPort(
  text: string,
  defaultPort: number,
  words: string,
): { readonly host: string; readonly port: number } {
  if (tryIp(text) !== null) return { host: text, port: defaultPort }
  const match = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d{1,5}))?$/.exec(text)
  const host = match?.[1] ?? match?.[2] ?? ''
  const port = match?.[3] === undefined ? defaultPort : Number(match[3])
  if (match === null || text === '' || port < 1 || port > PORT_MAX) throw invalid(words, text)
  return { host, port }
}

function tryIp(text: string): Ip | null {
  try {
    return parseIp(text)
  } catch {
    return null
  }
}

function isWildcard(ip: Ip): boolean {
  return ip === '0.0.0.0' || ip === '::'
}

function invalid(message: string, subject: string): Error {
  return swarmError('ERR_INVALID_ARGUMENT', message, { subject })
}
