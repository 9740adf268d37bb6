/** ESP by hand: what is sealed opens again, nothing else does, and the switch's own agrees. */
import { parseIp } from '@weft/core'
import {
  DOCKER_PROFILE,
  ESP_HEADER_BYTES,
  InboundAssociation,
  NetworkKey,
  OutboundAssociation,
  spiOf,
} from '@weft/encryption'
import { nodeCipherSuites, nodeEntropy } from '@weft/runtime-node'
import { expect, test } from 'vitest'
import { openEsp, sealEsp } from '../src/esp-packet.ts'

const [here, there] = [parseIp('192.0.2.1'), parseIp('192.0.2.2')]
const key = new Uint8Array(16).fill(7)
const secret = {
  spi: spiOf({ source: here, destination: there, tag: 7 }, DOCKER_PROFILE.spiGeneration),
  key,
}
const numbers = { sequence: 1, iv: Uint8Array.of(9, 8, 7, 6, 5, 4, 3, 2) }
const payload = (length: number): Uint8Array => new Uint8Array(length).fill(0x61)

test.each([8, 9, 10, 11, 1400])('opens the %i bytes that it sealed', (length) => {
  const packet = sealEsp(secret, numbers, payload(length))
  expect((packet.length - 8) % 4).toBe(0)
  expect(openEsp(secret, packet)).toEqual(payload(length))
})

test('opens nothing else', () => {
  const packet = sealEsp(secret, numbers, payload(20))
  expect(openEsp({ ...secret, key: new Uint8Array(16).fill(8) }, packet)).toBeNull()
  expect(openEsp({ ...secret, spi: secret.spi ^ 1 }, packet)).toBeNull()
  for (let at = 0; at < packet.length; at++) {
    const changed = packet.slice()
    changed[at] = (changed[at] ?? 0) ^ 1
    expect(openEsp(secret, changed), `byte ${at}`).toBeNull()
    expect(openEsp(secret, packet.slice(0, at)), `${at} bytes`).toBeNull()
  }
})

test('understands the associations of @weft/encryption, and is understood', () => {
  const suite = nodeCipherSuites['aes-128-gcm-8']
  const cipher = new NetworkKey({ lamportTime: 7n, bytes: key }).openCipher(suite)
  const layout = { spi: secret.spi, salt: secret.spi, extendedSequence: false, protocol: 17 }
  const inbound = new InboundAssociation(
    { ...layout, replayWindowPackets: 64, windowPerRun: true },
    cipher,
  )
  const packet = sealEsp(secret, numbers, payload(21))
  const end = inbound.open(packet, 0, packet.length)
  expect(packet.slice(ESP_HEADER_BYTES, Number(end))).toEqual(payload(21))
  const outbound = new OutboundAssociation({ ...layout, sequenceAfter: 0 }, cipher, nodeEntropy)
  const bytes = new Uint8Array(100).fill(0x61)
  const sealed = outbound.seal(bytes, ESP_HEADER_BYTES, ESP_HEADER_BYTES + 33)
  expect(openEsp(secret, bytes.slice(0, Number(sealed)))).toEqual(payload(33))
})
