/** Keys of gossip and IPsec: three of each, ordered by their Lamport times (docker-wire §5.1). */
import { create } from '@bufbuild/protobuf'
import type { Entropy, Random } from '@weft/core'
import { EncryptionAlgorithm, EncryptionKeySchema, type EncryptionKey } from '@weft/swarm'

/** Keys of each subsystem: the one before, the one that seals, and the next. */
export const KEYS_PER_SUBSYSTEM = 3

const SUBSYSTEMS = ['networking:gossip', 'networking:ipsec']
const KEY_BYTES = 16
const FIRST_LAMPORT_BOUND = 65_536

/** Keys with the clock that named the last of them. */
export interface NetworkKeys {
  readonly keys: readonly EncryptionKey[]
  readonly clock: bigint
}

/** The first keys of a cluster, subsystem by subsystem. */
export function initialKeys(entropy: Entropy, random: Random): NetworkKeys {
  const keys: EncryptionKey[] = []
  let clock = BigInt(random.below(FIRST_LAMPORT_BOUND))
  for (const subsystem of SUBSYSTEMS) {
    for (let i = 0; i < KEYS_PER_SUBSYSTEM; i++) keys.push(freshKey(subsystem, ++clock, entropy))
  }
  return { keys, clock }
}

/** One rotation: of each subsystem the oldest goes and a new one comes. */
export function rotatedKeys({ keys, clock }: NetworkKeys, entropy: Entropy): NetworkKeys {
  let lamport = clock
  const rotated = SUBSYSTEMS.flatMap((subsystem) => {
    const known = keys
      .filter((key) => key.subsystem === subsystem)
      .sort((a, b) => (a.lamportTime < b.lamportTime ? -1 : 1))
    const kept = known.slice(-(KEYS_PER_SUBSYSTEM - 1))
    while (kept.length < KEYS_PER_SUBSYSTEM) kept.push(freshKey(subsystem, ++lamport, entropy))
    return kept
  })
  return { keys: rotated, clock: lamport }
}

function freshKey(subsystem: string, lamportTime: bigint, entropy: Entropy): EncryptionKey {
  const key = new Uint8Array(KEY_BYTES)
  entropy.fill(key)
  const algorithm = EncryptionAlgorithm.AES_128_GCM
  return create(EncryptionKeySchema, { subsystem, algorithm, key, lamportTime })
}
