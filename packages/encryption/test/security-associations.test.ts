import { inspect } from 'node:util'
import {
  hasCode,
  ipFromBigInt,
  parseIp,
  setU32,
  toHex,
  type CipherSuite,
  type Ip,
} from '@weft/core'
import { SeededRandom, SimEntropy } from '@weft/core/testing'
import { describe, expect, it } from 'vitest'
import {
  DOCKER_PROFILE,
  dockerOrder,
  ESP_HEADER_BYTES,
  KeyRing,
  NetworkKey,
  PEERS_MAX,
  SecurityAssociations,
  SEQUENCE_MAX,
  spiOf,
  WEFT_PROFILE,
  type PeerProfile,
} from '../src/index.ts'
import { CHACHA, GCM_8 } from './reference-suites.ts'

const [A, B, C] = [parseIp('192.0.2.1'), parseIp('192.0.2.2'), parseIp('192.0.2.3')] as const
const ROOM_BYTES = 64

/** Keys that count from their Lamport time, so that nodes with the same list agree. */
function keys(...times: readonly number[]): readonly NetworkKey[] {
  return times.map((time) => {
    const bytes = new Uint8Array(16).fill(time)
    return new NetworkKey({ lamportTime: BigInt(time), bytes })
  })
}

/** A node: its associations, and the ring that changes their keys. */
class Node {
  readonly ring = new KeyRing()
  readonly associations: SecurityAssociations
  readonly local: Ip

  constructor(local: Ip, sequenceAfter: (spi: number) => number = () => 0, seed: string = local) {
    const options = { local, suite: GCM_8, protocol: 17, sequenceAfter }
    this.local = local
    this.associations = new SecurityAssociations(
      options,
      new SimEntropy(new SeededRandom(seed)),
    )
  }

  rotate(list: readonly NetworkKey[]): void {
    for (const step of this.ring.replace(list)) {
      this.associations.apply(step)
      this.associations.assertInvariants()
    }
  }

  /** A packet for a peer, or the fault. */
  seal(peer: Ip, payload: number): Uint8Array | string {
    const bytes = new Uint8Array(2 * ROOM_BYTES).fill(0xa5)
    bytes.fill(payload, ROOM_BYTES, ROOM_BYTES + 8)
    const end = this.associations.seal(bytes, ROOM_BYTES, ROOM_BYTES + 8, peer)
    return typeof end === 'number' ? bytes.slice(ROOM_BYTES - ESP_HEADER_BYTES, end) : end
  }

  /** The payload's bytes in hexadecimal, or the fault. */
  open(source: Ip, packet: Uint8Array | string): string {
    if (typeof packet === 'string') return packet
    const bytes = packet.slice()
    const end = this.associations.open(bytes, 0, bytes.length, source)
    return typeof end === 'number' ? toHex(bytes.subarray(ESP_HEADER_BYTES, end)) : end
  }
}

/** Two nodes that know each other, with these keys, the first of which seals. */
function pairOf(times: readonly number[], profile: PeerProfile = WEFT_PROFILE): [Node, Node] {
  const [a, b] = [new Node(A), new Node(B)]
  for (const node of [a, b]) node.rotate(keys(...times))
  a.associations.addPeer(B, profile)
  b.associations.addPeer(A, profile)
  return [a, b]
}

const EIGHT = (byte: number): string => toHex(new Uint8Array(8).fill(byte))

describe.each([
  ['Docker', DOCKER_PROFILE],
  ['Weft', WEFT_PROFILE],
])('with the profile of %s', (_name, profile) => {
  it('two nodes exchange packets in both directions', () => {
    const [a, b] = pairOf([2, 1, 3], profile)
    for (let i = 1; i < 5; i++) {
      expect(b.open(A, a.seal(B, i))).toBe(EIGHT(i))
      expect(a.open(B, b.seal(A, i))).toBe(EIGHT(i))
    }
    expect(a.associations.counters()).toMatchObject({ sealed: 4, opened: 4 })
  })

  it('no packet is lost while keys rotate on both sides in any order', () => {
    const [a, b] = pairOf([2, 1, 3], profile)
    for (let k = 2; k < 8; k++) {
      const next = (): readonly NetworkKey[] => dockerOrder(keys(k, k + 1, k + 2))
      const [first, second] = k % 2 === 0 ? [a, b] : [b, a]
      const early = [a.seal(B, k), b.seal(A, k)] as const
      first.rotate(next())
      expect(b.open(A, a.seal(B, k + 10))).toBe(EIGHT(k + 10))
      expect(a.open(B, b.seal(A, k + 10))).toBe(EIGHT(k + 10))
      second.rotate(next())
      // What was underway while both changed is opened too.
      expect(b.open(A, early[0])).toBe(EIGHT(k))
      expect(a.open(B, early[1])).toBe(EIGHT(k))
    }
    expect(Object.values(a.associations.counters().faults).every((count) => count === 0)).toBe(true)
  })
})

describe('a change of keys', () => {
  it('receives first, then sends, then retires, and can stop after each step', () => {
    const [a, b] = pairOf([1])
    const old = a.seal(B, 1)
    const steps = a.ring.replace(keys(2))
    const there = b.ring.replace(keys(2))
    expect(steps.map(({ kind }) => kind)).toEqual(['accept', 'transmit', 'retire'])
    for (let done = 0; done < 3; done++) {
      for (const [node, list] of [[a, steps], [b, there]] as const) {
        const step = list[done]
        if (step === undefined) throw new Error('three steps')
        node.associations.apply(step)
        node.associations.assertInvariants()
        if (done === 2) continue
        expect(b.open(A, a.seal(B, done))).toBe(EIGHT(done))
        expect(a.open(B, b.seal(A, done))).toBe(EIGHT(done))
      }
    }
    expect(steps[2]?.key?.isZeroed).toBe(true)
    expect(b.open(A, old)).toBe('unknown-spi')
    expect(b.open(A, a.seal(B, 9))).toBe(EIGHT(9))
  })

  it('to no key at all holds packets back, and never sends them in clear', () => {
    const [a, b] = pairOf([1])
    const packet = a.seal(B, 1)
    a.rotate([])
    b.rotate([])
    const clear = new Uint8Array(128).fill(0x5a)
    expect(a.associations.seal(clear, 32, 64, B)).toBe('no-key')
    expect(clear.every((byte) => byte === 0x5a)).toBe(true)
    expect(b.open(A, packet)).toBe('unknown-spi')
    expect(a.associations.counters().faults).toMatchObject({ 'no-key': 1 })
    a.rotate(keys(5))
    expect(b.open(A, a.seal(B, 1))).toBe('unknown-spi')
    b.rotate(keys(5))
    expect(b.open(A, a.seal(B, 2))).toBe(EIGHT(2))
  })

  it('refuses a key the suite cannot use, before anything changes', () => {
    const [a] = pairOf([1])
    const key = new NetworkKey({ lamportTime: 9n, bytes: new Uint8Array(32) })
    const apply = (): unknown => {
      try {
        a.associations.apply({ kind: 'accept', key })
        return null
      } catch (error) {
        return error
      }
    }
    expect(hasCode(apply(), 'ERR_KEY_SIZE')).toBe(true)
    a.associations.assertInvariants()
    expect(() => a.associations.apply({ kind: 'transmit', key })).toThrow('bug: a key is accepted')
    const [used] = a.ring.keys
    if (used === undefined) throw new Error('a key')
    const retire = { kind: 'retire', key: used } as const
    expect(() => a.associations.apply(retire)).toThrow('bug: a key is retired')
  })
})

describe('peers', () => {
  it('are found by SPI and source, and strangers are not', () => {
    const [a, b] = pairOf([1])
    const packet = a.seal(B, 1)
    expect(b.open(C, packet)).toBe('unknown-spi')
    const other = (packet as Uint8Array).slice()
    setU32(other, 0, 1)
    expect(b.open(A, other)).toBe('unknown-spi')
    expect(b.open(A, new Uint8Array(ESP_HEADER_BYTES - 1))).toBe('short')
    expect(b.associations.open(new Uint8Array(64), -1, 40, A)).toBe('short')
    expect(b.associations.open(new Uint8Array(64), 0, 65, A)).toBe('short')
    expect(a.seal(C, 1)).toBe('no-peer')
    expect(b.open(A, packet)).toBe(EIGHT(1))
    expect(b.associations.counters().faults).toMatchObject({ 'unknown-spi': 2, short: 3 })
  })

  it('whose SPIs agree are told apart by their addresses', () => {
    // Found by search: under tag 1 both send to 192.0.2.2 with the same SPI.
    const [x, y] = [parseIp('65.254.93.124'), parseIp('243.175.188.96')]
    const spis = [x, y].map((source) => spiOf({ source, destination: B, tag: 1 }, 'sixteen-byte'))
    expect(spis).toEqual([0x6266_bfa0, 0x6266_bfa0])
    const b = new Node(B)
    b.rotate(keys(1))
    const [from, also] = [new Node(x), new Node(y)]
    for (const node of [from, also]) {
      node.rotate(keys(1))
      node.associations.addPeer(B, WEFT_PROFILE)
      b.associations.addPeer(node.local, WEFT_PROFILE)
    }
    b.associations.assertInvariants()
    // Both begin with sequence number 1: in one window, the second would be a replay.
    for (let i = 1; i < 4; i++) {
      expect(b.open(x, from.seal(B, i))).toBe(EIGHT(i))
      expect(b.open(y, also.seal(B, i + 100))).toBe(EIGHT(i + 100))
    }
    const again = from.seal(B, 9)
    expect(b.open(x, again)).toBe(EIGHT(9))
    expect(b.open(x, again)).toBe('replayed')
    b.associations.removePeer(x)
    expect(b.open(x, from.seal(B, 9))).toBe('unknown-spi')
    expect(b.open(y, also.seal(B, 9))).toBe(EIGHT(9))
    b.rotate([])
    b.associations.assertInvariants()
  })

  it('that leave and return go on where they were', () => {
    const [a, b] = pairOf([1])
    const old = a.seal(B, 1)
    expect(b.open(A, old)).toBe(EIGHT(1))
    b.associations.removePeer(A)
    a.associations.removePeer(B)
    expect(b.open(A, a.seal(B, 2))).toBe('no-peer')
    expect(b.open(A, old)).toBe('unknown-spi')
    b.associations.addPeer(A, WEFT_PROFILE)
    a.associations.addPeer(B, WEFT_PROFILE)
    // An old packet is still old, and a new one is not taken for it.
    expect(b.open(A, old)).toBe('replayed')
    expect(b.open(A, a.seal(B, 3))).toBe(EIGHT(3))
    a.associations.removePeer(C)
  })

  it('that are away get the keys of the meantime when they return, and none otherwise', () => {
    const [a, b] = pairOf([1])
    a.associations.removePeer(B)
    a.rotate(keys(2, 1))
    b.rotate(keys(2, 1))
    expect(b.open(A, a.seal(B, 1))).toBe('no-peer')
    a.associations.addPeer(B, WEFT_PROFILE)
    a.associations.assertInvariants()
    expect(b.open(A, a.seal(B, 2))).toBe(EIGHT(2))
    a.associations.removePeer(B)
    a.rotate(keys(3))
    a.associations.assertInvariants()
    // Nothing is left of a peer that is away when its last key goes.
    expect([...a.associations.sequences()]).toEqual([])
  })

  it('that restarted are believed again once somebody says so', () => {
    const [a, b] = pairOf([1])
    for (let i = 0; i < 5; i++) b.open(A, a.seal(B, i))
    const again = new Node(A, () => 0, 'after the restart')
    again.rotate(keys(1))
    again.associations.addPeer(B, WEFT_PROFILE)
    expect(b.open(A, again.seal(B, 1))).toBe('replayed')
    b.associations.restartPeer(A)
    b.associations.assertInvariants()
    expect(b.open(A, again.seal(B, 2))).toBe(EIGHT(2))
    expect(again.open(B, b.seal(A, 3))).toBe(EIGHT(3))
    b.associations.restartPeer(C)
    b.associations.removePeer(A)
    b.associations.restartPeer(A)
    expect(b.seal(A, 1)).toBe('no-peer')
  })

  it('that are stock engines restart without a word; what they sent before is refused', () => {
    const [a, b] = pairOf([1], DOCKER_PROFILE)
    const before = Array.from({ length: 3 }, (_, i) => a.seal(B, i))
    before.forEach((packet, i) => expect(b.open(A, packet)).toBe(EIGHT(i)))
    const again = new Node(A, () => 0, 'after the restart')
    again.rotate(keys(1))
    again.associations.addPeer(B, DOCKER_PROFILE)
    const after = again.seal(B, 7)
    expect(b.open(A, after)).toBe(EIGHT(7))
    for (const packet of [...before, after]) expect(b.open(A, packet)).toBe('replayed')
  })

  it('are read back by the names of their keys', () => {
    const [a] = pairOf([1, 2])
    const both = { seals: 1, opens: [1, 2] }
    expect(a.associations.read()).toEqual(new Map([[B, both]]))
    a.associations.removePeer(B)
    expect(a.associations.read()).toEqual(new Map())
  })

  it('need not be told of a restart that kept its sequence numbers', () => {
    const [a, b] = pairOf([1])
    for (let i = 0; i < 5; i++) b.open(A, a.seal(B, i))
    const kept = a.associations.sequences()
    expect([...kept.values()]).toEqual([5])
    const again = new Node(A, (spi) => kept.get(spi) ?? 0, 'after the restart')
    again.rotate(keys(1))
    again.associations.addPeer(B, WEFT_PROFILE)
    expect(b.open(A, again.seal(B, 6))).toBe(EIGHT(6))
  })

  it('may change how they do ESP', () => {
    const [a, b] = pairOf([1], DOCKER_PROFILE)
    expect(b.open(A, a.seal(B, 1))).toBe(EIGHT(1))
    const four = { ...DOCKER_PROFILE, spiGeneration: 'four-byte' } as const
    a.associations.addPeer(B, four)
    expect(b.open(A, a.seal(B, 2))).toBe('unknown-spi')
    b.associations.addPeer(A, four)
    expect(b.open(A, a.seal(B, 3))).toBe(EIGHT(3))
    b.associations.assertInvariants()
    for (const profile of [
      { ...WEFT_PROFILE, replayWindowPackets: 0 },
      { ...DOCKER_PROFILE, replayWindowPackets: 31 },
      { ...DOCKER_PROFILE, replayWindowPackets: 9000 },
      { ...WEFT_PROFILE, windowPerRun: true },
    ]) {
      expect(() => a.associations.addPeer(B, profile)).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_VALUE' }),
      )
    }
    expect(b.open(A, a.seal(B, 4))).toBe(EIGHT(4))
  })

  it('are no more than PEERS_MAX', () => {
    const { associations } = new Node(A)
    const address = (i: number): Ip => ipFromBigInt(0x0a00_0000n + BigInt(i), 4)
    for (let i = 0; i < PEERS_MAX; i++) associations.addPeer(address(i), DOCKER_PROFILE)
    expect(() => associations.addPeer(B, DOCKER_PROFILE)).toThrow(
      expect.objectContaining({ code: 'ERR_PEERS_MAX', details: { max: PEERS_MAX } }),
    )
    associations.addPeer(address(7), DOCKER_PROFILE)
    associations.restartPeer(address(7))
    associations.assertInvariants()
  })
})

describe('sequence numbers', () => {
  it('that run out are told of in time, once, and then stop', () => {
    const rekeyAt = 3 * 2 ** 30 - 3
    let next = rekeyAt - 2
    const a = new Node(A, () => next)
    a.rotate(keys(1))
    a.associations.addPeer(B, DOCKER_PROFILE)
    const spi = spiOf({ source: A, destination: B, tag: 1 }, 'sixteen-byte')
    a.seal(B, 1)
    expect(a.associations.drain()).toEqual([])
    a.seal(B, 1)
    a.seal(B, 1)
    expect(a.associations.drain()).toEqual([{ peer: B, spi, sequence: rekeyAt }])
    expect(a.associations.drain()).toEqual([])
    next = SEQUENCE_MAX - 1
    a.rotate(keys(2, 1))
    expect(a.seal(B, 1)).toBeInstanceOf(Uint8Array)
    expect(a.seal(B, 1)).toBe('exhausted')
    expect(a.associations.counters().faults).toMatchObject({ exhausted: 1 })
    next = 0
    a.rotate(keys(3, 2, 1))
    expect(a.seal(B, 1)).toBeInstanceOf(Uint8Array)
  })
})

describe('secrets', () => {
  it('are in nothing that is printed', () => {
    const [a] = pairOf([0x77])
    const text = inspect(a, { depth: 20, showHidden: true }) + JSON.stringify(a)
    expect(text).not.toMatch(/119, ?119|7777|dwdwdw/)
    expect(JSON.stringify(a.ring)).toContain('119')
  })

  it('are gone after close, in the associations and in the ciphers', () => {
    const open: Uint8Array[] = []
    const suite: CipherSuite = {
      ...GCM_8,
      open(key) {
        const cipher = GCM_8.open(key)
        const held = key.slice()
        open.push(held)
        return { ...cipher, close: () => void held.fill(0) }
      },
    }
    const options = { local: A, suite, protocol: 17, sequenceAfter: () => 0 }
    const entropy = new SimEntropy(new SeededRandom('close'))
    const associations = new SecurityAssociations(options, entropy)
    const ring = new KeyRing()
    const list = keys(1, 2)
    for (const step of ring.replace(list)) associations.apply(step)
    for (const peer of [B, C]) associations.addPeer(peer, DOCKER_PROFILE)
    expect(open).toHaveLength(6)
    associations.removePeer(C)
    associations.close()
    associations.assertInvariants()
    expect(open.every((held) => held.every((byte) => byte === 0))).toBe(true)
    expect(list.every((key) => key.isZeroed)).toBe(true)
    expect(associations.seal(new Uint8Array(99), 50, 60, B)).toBe('no-peer')
  })

  it('fit the suite: Docker has no keys for ChaCha20', () => {
    const options = { local: A, suite: CHACHA, protocol: 17, sequenceAfter: () => 0 }
    const entropy = new SimEntropy(new SeededRandom('suite'))
    const associations = new SecurityAssociations(options, entropy)
    const [key] = keys(1)
    if (key === undefined) throw new Error('a key')
    expect(() => associations.apply({ kind: 'accept', key })).toThrow(
      expect.objectContaining({ code: 'ERR_KEY_SIZE' }),
    )
  })
})
