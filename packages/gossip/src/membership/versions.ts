/** The protocol versions that nodes speak and understand (docker-wire §2.2, §2.10). */
import type { PushPullNode, Versions } from '../memberlist/messages.ts'
import type { MemberRecord } from './member-record.ts'

/** What we speak and understand, as Docker says it. */
export const VERSIONS: Versions = [1, 5, 2, 0, 0, 0]

/** From this version on, nodes answer pings over streams. */
export const STREAM_PING_VERSION = 3
/** From this version on, relays say when they heard nothing. */
export const NACK_VERSION = 4
/** From this version on, nodes check a checksum. */
export const CHECKSUM_VERSION = 5

/** The newest protocol version that a node understands. */
export function newestVersion({ vsn }: { readonly vsn: Versions }): number {
  return vsn[1]
}

/** True when these make sense, and include what we speak: others could not be talked to. */
export function speaksOurs(vsn: Versions): boolean {
  const [min, max, , delegateMin, delegateMax] = vsn
  const isSane = min > 0 && max > 0 && min <= max
  const [, , ours, , , oursOfDelegate] = VERSIONS
  const isUnderstood = min <= ours && ours <= max
  return isSane && isUnderstood && delegateMin <= oursOfDelegate && oursOfDelegate <= delegateMax
}

/** One and the same versions, so that thousands of members share one array. */
export function sharedVersions(vsn: Versions): Versions {
  return sameVersions(vsn, VERSIONS) ? VERSIONS : vsn
}

/** True when all six are equal. */
export function sameVersions(a: Versions, b: Versions): boolean {
  return a === b || a.every((version, i) => version === b[i])
}

/**
 * True when everyone told of in a push/pull speaks what everyone alive there understands; our own
 * members were looked at when they came, so that we stand for them.
 */
export function areCompatible(told: readonly PushPullNode[], self: MemberRecord): boolean {
  const alive = [self, ...told].filter(({ state }) => state === 'alive')
  const range = (min: 0 | 3, max: 1 | 4, current: 2 | 5): boolean => {
    let lowest = 0
    let highest = 0xff
    for (const { vsn } of alive) {
      lowest = Math.max(lowest, vsn[min])
      highest = Math.min(highest, vsn[max])
    }
    const isSpoken = ({ vsn }: PushPullNode): boolean =>
      vsn[current] >= lowest && vsn[current] <= highest
    return isSpoken(self) && told.every(isSpoken)
  }
  return range(0, 1, 2) && range(3, 4, 5)
}
