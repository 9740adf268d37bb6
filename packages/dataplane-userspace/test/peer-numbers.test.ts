/** Peers at the engine are numbers that stay with their VTEP as long as somebody is there. */
import { parseIp, type SocketAddress } from '@weft/core'
import { expect, test } from 'vitest'
import { PeerNumbers } from '../src/engine-plan.ts'

const vtep = (n: number, port = 4789): SocketAddress => ({ ip: parseIp(`192.0.2.${n}`), port })
const peers = (...tunnels: readonly SocketAddress[]): Parameters<PeerNumbers['follow']>[0] => ({
  peers: new Map(tunnels.map((tunnel, i) => [`node-${i}`, { tunnel }])),
})

test('one VTEP has one number, another port is another VTEP', () => {
  const numbers = new PeerNumbers()
  expect(numbers.of(vtep(1))).toBe(0)
  expect(numbers.of(vtep(1, 4790))).toBe(1)
  expect(numbers.of(vtep(1))).toBe(0)
})

test('says what it knows when that changed, and only then', () => {
  const numbers = new PeerNumbers()
  numbers.follow(peers(vtep(1), vtep(2)))
  expect(numbers.takeChanged()).toEqual(new Map([[0, vtep(1)], [1, vtep(2)]]))
  numbers.follow(peers(vtep(1), vtep(2)))
  expect(numbers.takeChanged()).toBeNull()
})

test('a number is free again when nobody is at its VTEP, and others keep theirs', () => {
  const numbers = new PeerNumbers()
  numbers.follow(peers(vtep(1), vtep(2)))
  numbers.follow(peers(vtep(2), vtep(3)))
  expect(numbers.of(vtep(2))).toBe(1)
  expect(numbers.takeChanged()).toEqual(new Map([[1, vtep(2)], [2, vtep(3)]]))
  expect(numbers.of(vtep(4))).toBe(0)
})
