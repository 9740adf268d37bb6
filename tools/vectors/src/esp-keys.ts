/** Keys and associations of the ESP recording: throw-away ones, for sender, tshark and test. */
import { parseIp, toHex, type CipherSuiteName, type Ip } from '@weft/core'
import { InboundAssociation, NetworkKey, OutboundAssociation, spiOf } from '@weft/encryption'
import { SeededRandom, SimEntropy } from '@weft/core/testing'
import { nodeCipherSuites } from '@weft/runtime-node'

/** From whom to whom. */
export interface EspEnds {
  readonly source: Ip
  readonly destination: Ip
}

/** Each suite under a tag of its own, and what tshark 4.0 calls it; it has no ChaCha20 in ESP. */
export const ESP_RECORDED: readonly {
  readonly suite: CipherSuiteName
  readonly tag: number
  readonly tshark: string | null
}[] = [
  { suite: 'aes-128-gcm-8', tag: 0x1234, tshark: 'AES-GCM with 8 octet ICV [RFC4106]' },
  { suite: 'aes-128-gcm-16', tag: 0x1235, tshark: 'AES-GCM with 16 octet ICV [RFC4106]' },
  { suite: 'chacha20-poly1305', tag: 0x1236, tshark: null },
]

/** The directions that are recorded. */
export const ESP_ENDS: readonly EspEnds[] = [
  { source: parseIp('10.0.1.2'), destination: parseIp('10.0.1.3') },
  { source: parseIp('fd00:1::2'), destination: parseIp('fd00:1::3') },
]

const PROTOCOL_UDP = 17

/** Bytes that count upwards from the tag's last. */
function keyOf(suite: CipherSuiteName, tag: number): NetworkKey {
  const bytes = Uint8Array.from({ length: nodeCipherSuites[suite].keyBytes }, (_, i) => tag + i)
  return new NetworkKey({ lamportTime: BigInt(tag), bytes })
}

function layoutOf(ends: EspEnds, tag: number) {
  const spi = spiOf({ ...ends, tag }, 'sixteen-byte')
  return { spi, salt: spi, extendedSequence: false, protocol: PROTOCOL_UDP }
}

/** The sending end; its vectors are the same in every recording. */
export function recordedOutbound(
  ends: EspEnds,
  suite: CipherSuiteName,
  tag: number,
): OutboundAssociation {
  const options = { ...layoutOf(ends, tag), sequenceAfter: 0 }
  const entropy = new SimEntropy(new SeededRandom(`${ends.source} ${suite}`))
  return new OutboundAssociation(
    options,
    keyOf(suite, tag).openCipher(nodeCipherSuites[suite]),
    entropy,
  )
}

/** The receiving end. */
export function recordedInbound(
  ends: EspEnds,
  suite: CipherSuiteName,
  tag: number,
): InboundAssociation {
  const options = { ...layoutOf(ends, tag), replayWindowPackets: 0, windowPerRun: false }
  return new InboundAssociation(options, keyOf(suite, tag).openCipher(nodeCipherSuites[suite]))
}

function association(ends: EspEnds, suite: CipherSuiteName, tag: number): string {
  const { spi } = layoutOf(ends, tag)
  const bytes = new Uint8Array(nodeCipherSuites[suite].keyBytes + 4)
  keyOf(suite, tag).writeKeyMaterial(bytes, 0, spi)
  const version = ends.source.includes(':') ? 'IPv6' : 'IPv4'
  const name = ESP_RECORDED.find((one) => one.suite === suite)?.tshark ?? ''
  const spiText = `0x${spi.toString(16).padStart(8, '0')}`
  const fields = [version, ends.source, ends.destination, spiText, name, `0x${toHex(bytes)}`]
  return `uat:esp_sa:${[...fields, 'NULL', ''].map((field) => `"${field}"`).join(',')}`
}

/** Preferences with which tshark decrypts the recording. */
export const ESP_DECRYPTION: readonly string[] = [
  'esp.enable_encryption_decode:TRUE',
  ...ESP_ENDS.flatMap((ends) =>
    ESP_RECORDED.filter(({ tshark }) => tshark !== null).map(({ suite, tag }) =>
      association(ends, suite, tag),
    ),
  ),
]
