/** Equality by value of the pieces of a desired state, cheapest test first. */
import type { SocketAddress } from '@weft/core'
import type {
  Attachment,
  NetnsAttachment,
  PeerSpec,
  PrefixSpec,
  RemoteEndpoint,
} from './desired-state.ts'

/** True when both hold the same texts, in any order. */
export function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  if (a === b) return true
  if (a.length !== b.length) return false
  if (a.length === 1) return a[0] === b[0]
  return a.every((text) => b.includes(text)) && b.every((text) => a.includes(text))
}

/** True when two remote endpoints say the same. */
export function sameRemote(a: RemoteEndpoint, b: RemoteEndpoint): boolean {
  if (a === b) return true
  return a.mac === b.mac && a.node === b.node && sameTexts(a.addresses, b.addresses)
}

/** True when both are the same address and port. */
export function sameSocketAddress(a: SocketAddress, b: SocketAddress): boolean {
  return a === b || (a.ip === b.ip && a.port === b.port)
}

/** True when two peers are reached alike. */
export function samePeer(a: PeerSpec, b: PeerSpec): boolean {
  return a === b || sameSocketAddress(a.tunnel, b.tunnel)
}

/** True when both name the same place; ports are the same place when they are the same object. */
export function sameAttachment(a: Attachment, b: Attachment): boolean {
  if (a === b) return true
  if (a.kind === 'netns') {
    return b.kind === 'netns' && isSamePlace(a, b) && a.identity === b.identity
  }
  return b.kind === 'port' && a.port === b.port
}

/**
 * True when an endpoint that is attached as found is where it is wanted. Who asks for a certain
 * namespace is not content with one that nobody looked at.
 */
export function isAttachedAs(found: Attachment, wanted: Attachment): boolean {
  if (found.kind !== 'netns' || wanted.kind !== 'netns') return sameAttachment(found, wanted)
  const { identity = found.identity } = wanted
  return isSamePlace(found, wanted) && found.identity === identity
}

function isSamePlace(a: NetnsAttachment, b: NetnsAttachment): boolean {
  return a.path === b.path && a.ifname === b.ifname
}

/** True when both have the same prefixes with the same gateways, in any order. */
export function samePrefixes(a: readonly PrefixSpec[], b: readonly PrefixSpec[]): boolean {
  const among = (spec: PrefixSpec, all: readonly PrefixSpec[]): boolean =>
    all.some((other) => other.cidr === spec.cidr && other.gateway === spec.gateway)
  return (
    a === b || (a.length === b.length && a.every((s) => among(s, b)) && b.every((s) => among(s, a)))
  )
}
