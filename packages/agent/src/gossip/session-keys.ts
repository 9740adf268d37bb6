/** The keys of a session, which of them gossip uses, and how its ring comes to hold those. */
import { equalBytes } from '@weft/core'
import { KEY_BYTES, type GossipKey, type KeyRing } from '@weft/gossip'
import type { EncryptionKey, KeyView } from '@weft/swarm'

/** Keys of each subsystem: the one before, the one in use, the one to come. */
export const SUBSYSTEM_KEYS = 3

const SUBSYSTEMS = { gossip: 'networking:gossip', ipsec: 'networking:ipsec' } as const

/** A key of the cluster with when we first had it. */
export interface SessionKey {
  readonly subsystem: keyof typeof SUBSYSTEMS
  /** Its name, in decimal. */
  readonly lamportTime: string
  readonly bytes: Uint8Array
  /** Wall time in epoch ms. */
  readonly since: number
}

/** The keys of a session message as ours, by subsystem and age; a text says what is wrong. */
export function readSessionKeys(
  keys: readonly EncryptionKey[],
  known: readonly SessionKey[],
  wall: number,
): readonly SessionKey[] | string {
  const all: SessionKey[] = []
  for (const [subsystem, name] of Object.entries(SUBSYSTEMS)) {
    const own = keys.filter((key) => key.subsystem === name).sort(byLamportTime)
    if (own.length !== SUBSYSTEM_KEYS) return `${own.length} keys of ${name}, not three`
    if (new Set(own.map(({ lamportTime }) => lamportTime)).size < SUBSYSTEM_KEYS) {
      return `two keys of ${name} with one Lamport time`
    }
    for (const { key, lamportTime } of own) {
      if (!KEY_BYTES.some((size) => size === key.length)) return `a key of ${name} is no AES key`
      const made = { subsystem: subsystem as SessionKey['subsystem'], bytes: key }
      const text = String(lamportTime)
      const before = known.find((one) => one.subsystem === subsystem && isKey(one, text, key))
      all.push({ ...made, lamportTime: text, since: before?.since ?? wall })
    }
  }
  return all
}

function byLamportTime(a: EncryptionKey, b: EncryptionKey): number {
  return a.lamportTime < b.lamportTime ? -1 : 1
}

function isKey(key: SessionKey, lamportTime: string, bytes: Uint8Array): boolean {
  return key.lamportTime === lamportTime && equalBytes(key.bytes, bytes)
}

/** Gossip's keys with the primary, the middle one, first (docker-wire §5.2). */
export function gossipKeys(keys: readonly SessionKey[]): readonly GossipKey[] {
  const own = keys.filter(({ subsystem }) => subsystem === 'gossip')
  const [previous, primary, next] = own.map(({ lamportTime, bytes }) => ({
    tag: lamportTime,
    bytes,
  }))
  if (previous === undefined || primary === undefined || next === undefined) return []
  return [primary, previous, next]
}

/** Bring a ring to these keys, the first of which seals; none at all change nothing. */
export function rotate(ring: KeyRing, keys: readonly GossipKey[]): void {
  if (keys.length > 0) ring.replace(keys)
}

/** Ages and tags, never material. */
export function keyViews(keys: readonly SessionKey[]): readonly KeyView[] {
  return keys.map(({ subsystem, lamportTime, since }, i) => ({
    subsystem,
    tag: lamportTime,
    isPrimary: i % SUBSYSTEM_KEYS === 1,
    since,
  }))
}
