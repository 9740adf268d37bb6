/** What TLS is spoken with: versions, suites and names (docker-wire §7.3). */
import { constants } from 'node:crypto'
import type { SecureContextOptions } from 'node:tls'

/** The application protocol that both sides offer (RFC 9113 §3.2). */
export const ALPN_HTTP2 = ['h2']

/** TLS 1.3, and of 1.2 what has forward secrecy and authenticated encryption, as moby's master. */
export const TLS_RULES = {
  minVersion: 'TLSv1.2',
  ciphers: [
    'TLS_AES_128_GCM_SHA256',
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-RSA-CHACHA20-POLY1305',
  ].join(':'),
  // A resumed session would skip the certificates, which may have expired since.
  secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
} as const satisfies SecureContextOptions

/** A socket's address without zone, IPv4 in its own form also on a socket for both families. */
export function plainIp(address: string | undefined): string {
  const [ip = ''] = (address ?? '').split('%')
  return ip.startsWith('::ffff:') && ip.includes('.') ? ip.slice('::ffff:'.length) : ip
}
