/** Join tokens: what a node needs to know a cluster's root, and to be let in (docker-wire §7.2). */
import type { Entropy } from '@weft/core'
import { base36 } from './base36.ts'
import { swarmError } from './swarm-errors.ts'

/** A token's parts. Its text is a secret: it lets nodes in. */
export interface JoinToken {
  /** 2 has one field more, and is what clusters under FIPS rules give out. */
  readonly version: 1 | 2
  /** Whether the cluster insists on FIPS; always false in version 1. */
  readonly fips: boolean
  /** `caDigest` of the root that the manager must serve. */
  readonly digest: string
  /** `tokenSecret` of the cluster for one role. */
  readonly secret: string
}

/** Characters of a token's digest: 256 bits in base 36. */
export const TOKEN_DIGEST_CHARACTERS = 50

/** Characters of a token's secret: 128 bits in base 36. */
export const TOKEN_SECRET_CHARACTERS = 25

const PREFIX = 'SWMTKN'
const DIGITS = /^[0-9a-z]+$/
const DIGEST_LIMIT = 1n << 256n

/**
 * Read a token. Throws ERR_INVALID_ARGUMENT with Docker's words; `subject` says which part is
 * wrong, and never what stood there.
 */
export function parseJoinToken(text: string): JoinToken {
  const [prefix, version, ...rest] = text.split('-')
  if (prefix !== PREFIX) throw invalid('it does not begin with SWMTKN-')
  if (version === '1') return { version: 1, fips: false, ...parseSecrets(rest) }
  if (version !== '2') throw invalid('its version is neither 1 nor 2')
  const [fips, ...secrets] = rest
  if (fips !== '0' && fips !== '1') throw invalid('its FIPS field is neither 0 nor 1')
  return { version: 2, fips: fips === '1', ...parseSecrets(secrets) }
}

/** The text of a token. */
export function formatJoinToken(token: JoinToken): string {
  const fips = token.version === 2 ? [token.fips ? '1' : '0'] : []
  return [PREFIX, token.version, ...fips, token.digest, token.secret].join('-')
}

/** A fresh secret for a token. */
export function tokenSecret(entropy: Entropy): string {
  const bytes = new Uint8Array(16)
  entropy.fill(bytes)
  return base36(bytes, TOKEN_SECRET_CHARACTERS)
}

/** The text of a root's digest: `sha256` is over the PEM exactly as it is served. */
export function caDigest(sha256: Uint8Array): string {
  return base36(sha256, TOKEN_DIGEST_CHARACTERS)
}

function parseSecrets(fields: readonly string[]): Pick<JoinToken, 'digest' | 'secret'> {
  const [digest, secret] = fields
  if (digest === undefined || secret === undefined) throw invalid('parts of it are missing')
  if (fields.length > 2) throw invalid('there is more behind its secret')
  if (digest.length !== TOKEN_DIGEST_CHARACTERS || !isDigest(digest)) {
    throw invalid(`its digest is not ${TOKEN_DIGEST_CHARACTERS} digits of base 36`)
  }
  if (secret.length !== TOKEN_SECRET_CHARACTERS || !DIGITS.test(secret)) {
    throw invalid(`its secret is not ${TOKEN_SECRET_CHARACTERS} digits of base 36`)
  }
  return { digest, secret }
}

function isDigest(text: string): boolean {
  if (!DIGITS.test(text)) return false
  let value = 0n
  for (const digit of text) value = value * 36n + BigInt(parseInt(digit, 36))
  return value < DIGEST_LIMIT
}

function invalid(problem: string): Error {
  return swarmError('ERR_INVALID_ARGUMENT', 'invalid join token', { subject: problem })
}
