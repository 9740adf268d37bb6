/** The two secrets that let nodes into a cluster, one for each role (docker-wire §7.2). */
import { create } from '@bufbuild/protobuf'
import { utf8Bytes, type Entropy } from '@weft/core'
import {
  caDigest,
  formatJoinToken,
  JoinTokensSchema,
  tokenSecret,
  type Certificates,
  type CertificateRole,
  type JoinTokens,
} from '@weft/swarm'

/** A fresh token for a root, as it is served. */
export function freshToken(
  rootPem: Uint8Array,
  { certificates, entropy }: { readonly certificates: Certificates; readonly entropy: Entropy },
): string {
  const digest = caDigest(certificates.sha256(rootPem))
  return formatJoinToken({ version: 1, fips: false, digest, secret: tokenSecret(entropy) })
}

/** Tokens for both roles. */
export function freshTokens(
  rootPem: Uint8Array,
  ports: { readonly certificates: Certificates; readonly entropy: Entropy },
): JoinTokens {
  const worker = freshToken(rootPem, ports)
  return create(JoinTokensSchema, { worker, manager: freshToken(rootPem, ports) })
}

/** The role that a token grants; null when it is none of the cluster's. */
export function roleOfToken(tokens: JoinTokens | undefined, token: string): CertificateRole | null {
  if (tokens === undefined) return null
  const [worker, manager] = [isSecret(tokens.worker, token), isSecret(tokens.manager, token)]
  if (worker) return 'worker'
  return manager ? 'manager' : null
}

/** Takes as long wherever they differ. */
function isSecret(secret: string, guess: string): boolean {
  const [a, b] = [utf8Bytes(secret), utf8Bytes(guess)]
  if (a.length !== b.length || a.length === 0) return false
  let difference = 0
  for (const [i, byte] of a.entries()) difference |= byte ^ (b[i] ?? 0)
  return difference === 0
}
