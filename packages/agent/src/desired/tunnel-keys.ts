/** Keys of encrypted networks as a dataplane is told of them (docker-wire §5.2). */
import { equalBytes } from '@weft/core'
import { dockerOrder, NetworkKey } from '@weft/encryption'
import type { SessionKey } from '../gossip/session-keys.ts'

interface Held {
  readonly from: SessionKey
  readonly key: NetworkKey
}

/**
 * A session's keys of IPsec as objects that stay the same while their bytes do. What is no longer
 * asked for stays usable until the dataplane has settled without it, then it is zeroed.
 */
export class TunnelKeys {
  #held: readonly Held[] = []
  #keys: readonly NetworkKey[] = []
  #retired: readonly NetworkKey[] = []

  /** The keys in Docker's order, the sealing one first; empty until there are any. */
  of(session: readonly SessionKey[]): readonly NetworkKey[] {
    const own = session.filter(({ subsystem }) => subsystem === 'ipsec')
    const held = own.map((from) => this.#held.find((one) => isSame(one.from, from)) ?? hold(from))
    const isKnown = held.length === this.#held.length && held.every((o, i) => o === this.#held[i])
    if (isKnown) return this.#keys
    const gone = this.#held.filter((one) => !held.includes(one)).map(({ key }) => key)
    this.#retired = [...this.#retired, ...gone]
    this.#held = held
    this.#keys = held.length === 0 ? [] : dockerOrder(held.map(({ key }) => key))
    return this.#keys
  }

  /** An apply that was told these keys is over: nothing needs others any more. */
  settled(told: readonly unknown[]): void {
    const isNeeded = (key: NetworkKey): boolean => told.includes(key)
    for (const key of this.#retired) if (!isNeeded(key)) key.zero()
    this.#retired = this.#retired.filter(isNeeded)
  }
}

function hold(from: SessionKey): Held {
  const { bytes, lamportTime } = from
  return { from, key: new NetworkKey({ lamportTime: BigInt(lamportTime), bytes }) }
}

function isSame(a: SessionKey, b: SessionKey): boolean {
  return a === b || (a.lamportTime === b.lamportTime && equalBytes(a.bytes, b.bytes))
}
