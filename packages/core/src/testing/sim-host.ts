/** A simulated host: its addresses, and the sockets bound to them. */
import { assert } from '../assert.ts'
import { ipFamily, type Ip, type IpFamily } from '../ip.ts'
import { formatSocketAddress, PORT_MAX, type SocketAddress } from '../socket-address.ts'
import {
  underlayError,
  type DatagramListener,
  type DatagramSocket,
  type Underlay,
} from '../underlay.ts'

/** First of the ports that port 0 picks from (RFC 6335 §6). */
export const EPHEMERAL_PORT_MIN = 49_152

const WILDCARD: Record<IpFamily, string> = { 4: '0.0.0.0', 6: '::' }

/** How a host hands a datagram to the network; the host has filled in its own address. */
export type Transmit = (bytes: Uint8Array, from: SocketAddress, to: SocketAddress) => void

/** What a host needs from the network around it. */
export interface HostLines {
  transmit: Transmit
  /** A datagram was sent towards an address family that its socket does not have. */
  noRoute(host: string): void
}

/** One host as an underlay: sockets bind to its addresses and to nobody else's. */
export class SimHost implements Underlay {
  readonly name: string
  readonly addresses: readonly Ip[]
  readonly #lines: HostLines
  readonly #sockets = new Map<string, DatagramListener>()
  #nextPort = EPHEMERAL_PORT_MIN

  constructor(name: string, addresses: readonly Ip[], lines: HostLines) {
    this.name = name
    this.addresses = addresses
    this.#lines = lines
  }

  async bind(local: SocketAddress, onDatagram: DatagramListener): Promise<DatagramSocket> {
    const { port } = local
    assert(Number.isInteger(port) && port >= 0 && port <= PORT_MAX, 'a port is 0 to 65,535')
    const address = formatSocketAddress(local)
    if (!isWildcard(local.ip) && !this.addresses.includes(local.ip)) {
      throw underlayError('ERR_ADDRESS_NOT_LOCAL', 'not an address of this host', { address })
    }
    const bound = port === 0 ? this.#freePort(local.ip) : port
    if (bound === null || this.#isTaken({ ip: local.ip, port: bound })) {
      throw underlayError('ERR_ADDRESS_IN_USE', 'another socket has this address', { address })
    }
    return this.#open({ ip: local.ip, port: bound }, onDatagram)
  }

  /** Every socket vanishes without a word, as when the process is killed. Binding works again. */
  crash(): void {
    this.#sockets.clear()
  }

  /** The listener a datagram to this address reaches, or null. */
  listenerAt(to: SocketAddress): DatagramListener | null {
    const any = { ip: WILDCARD[ipFamily(to.ip)] as Ip, port: to.port }
    const exact = this.#sockets.get(formatSocketAddress(to))
    return exact ?? this.#sockets.get(formatSocketAddress(any)) ?? null
  }

  #open(local: SocketAddress, onDatagram: DatagramListener): DatagramSocket {
    const key = formatSocketAddress(local)
    // A listener of its own, so that a closed socket's key in other hands is told apart.
    const listener: DatagramListener = (bytes, from) => onDatagram(bytes, from)
    this.#sockets.set(key, listener)
    const isOpen = (): boolean => this.#sockets.get(key) === listener
    const close = async (): Promise<void> => {
      if (isOpen()) this.#sockets.delete(key)
    }
    return {
      local,
      send: (bytes, to) => {
        if (isOpen()) this.#send(bytes, local, to)
      },
      close,
      [Symbol.asyncDispose]: close,
    }
  }

  #send(bytes: Uint8Array, local: SocketAddress, to: SocketAddress): void {
    const family = ipFamily(to.ip)
    const ip = isWildcard(local.ip)
      ? this.addresses.find((address) => ipFamily(address) === family)
      : local.ip
    if (ip === undefined || ipFamily(local.ip) !== family) this.#lines.noRoute(this.name)
    else this.#lines.transmit(bytes, { ip, port: local.port }, to)
  }

  /** A wildcard and an address of its family cannot share a port. */
  #isTaken({ ip, port }: SocketAddress): boolean {
    const family = ipFamily(ip)
    const rivals = isWildcard(ip) ? this.addresses.filter((a) => ipFamily(a) === family) : [ip]
    return [...rivals, WILDCARD[family] as Ip].some((rival) =>
      this.#sockets.has(formatSocketAddress({ ip: rival, port })),
    )
  }

  #freePort(ip: Ip): number | null {
    for (let tries = EPHEMERAL_PORT_MIN; tries <= PORT_MAX; tries++) {
      const port = this.#nextPort
      this.#nextPort = port === PORT_MAX ? EPHEMERAL_PORT_MIN : port + 1
      if (!this.#isTaken({ ip, port })) return port
    }
    return null
  }
}

function isWildcard(ip: Ip): boolean {
  return ip === WILDCARD[4] || ip === WILDCARD[6]
}
