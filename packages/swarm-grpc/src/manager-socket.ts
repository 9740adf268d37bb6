/** TLS to one manager: whom to trust, what to show, and why it failed. */
import { isIP } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { instantAfter, type Clock } from '@weft/core'
import { CERTIFICATE_RULES, swarmError, type ConnectionTrust } from '@weft/swarm'
import { codeOf } from './listen-errors.ts'
import { ALPN_HTTP2, plainIp, TLS_RULES } from './tls-rules.ts'

/** How long reaching a manager may take, handshake included. */
export const CONNECT_MS_MAX = 10_000

/** Where a manager listens. */
export interface ManagerAddress {
  /** A name or an IP address, without brackets. */
  readonly host: string
  readonly port: number
}

/** Reads `host:port`, `10.0.0.1:2377` or `[fd00::1]:2377`. Throws ERR_INVALID_ARGUMENT. */
export function parseManagerAddress(address: string): ManagerAddress {
  const [, bracketed, plain, digits = ''] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(address) ?? []
  const host = bracketed ?? plain ?? ''
  const port = Number(digits)
  const isHost = host !== '' && (bracketed === undefined || isIP(host) === 6)
  if (isHost && port >= 1 && port <= 65_535) return { host, port }
  throw swarmError('ERR_INVALID_ARGUMENT', 'not the address of a manager', { subject: address })
}

/** Opens sockets to one manager, one after the other, and remembers why the last one failed. */
export class ManagerSocket {
  readonly #address: ManagerAddress
  readonly #trust: ConnectionTrust
  readonly #clock: Clock
  #socket: TLSSocket | null = null
  #problem: string | null = null

  constructor(address: ManagerAddress, trust: ConnectionTrust, clock: Clock) {
    this.#address = address
    this.#trust = trust
    this.#clock = clock
  }

  /** Why the other side cannot be trusted, after a connection failed for that; null otherwise. */
  get problem(): string | null {
    return this.#problem
  }

  /** Our address of the open connection; empty when there is none. */
  get localIp(): string {
    return plainIp(this.#socket?.localAddress)
  }

  open(): TLSSocket {
    const { host, port } = this.#address
    const socket = connect({
      ...TLS_RULES,
      ...trustOptions(this.#trust),
      host,
      port,
      ALPNProtocols: ALPN_HTTP2,
    })
    socket.setNoDelay(true)
    this.#problem = null
    const late = instantAfter(this.#clock.now(), CONNECT_MS_MAX)
    const timer = this.#clock.schedule(late, () => socket.destroy(timedOut()))
    socket.once('secureConnect', () => {
      timer[Symbol.dispose]()
      this.#socket = socket
    })
    socket.once('error', (error) => {
      this.#problem = problemOf(error)
    })
    socket.once('close', () => {
      timer[Symbol.dispose]()
      if (this.#socket === socket) this.#socket = null
    })
    return socket
  }
}

/** Which name the other side's certificate must be good for (docker-wire §7.3). */
function trustOptions(trust: ConnectionTrust): object {
  const { rootName, managerName } = CERTIFICATE_RULES
  switch (trust.kind) {
    case 'none':
      return { servername: rootName, rejectUnauthorized: false }
    case 'root':
      return { servername: rootName, ca: trust.rootPem }
    case 'identity': {
      const { certificatePem, keyPem, rootPem } = trust.identity
      return { servername: managerName, ca: rootPem, cert: certificatePem, key: keyPem }
    }
  }
}

function timedOut(): Error {
  return Object.assign(new Error('the manager does not answer'), { code: 'ETIMEDOUT' })
}

const PROBLEMS: ReadonlyMap<string, string> = new Map([
  ['CERT_HAS_EXPIRED', 'its certificate has expired, or the clock is wrong'],
  ['CERT_NOT_YET_VALID', 'its certificate is not yet valid; check the clocks'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'its certificate is not that of a manager'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'its certificate is not of the cluster’s root'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'its certificate is not of the cluster’s root'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'its certificate is not of the cluster’s root'],
  ['UNABLE_TO_GET_ISSUER_CERT', 'its certificate is not of the cluster’s root'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'its certificate is not of the cluster’s root'],
  ['CERT_SIGNATURE_FAILURE', 'its certificate is not of the cluster’s root'],
  ['INVALID_PURPOSE', 'its certificate is not for servers'],
])

function problemOf(error: unknown): string | null {
  return PROBLEMS.get(codeOf(error)) ?? null
}
