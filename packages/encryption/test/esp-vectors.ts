/** Packets that others sealed: draft-mcgrew-gcm-test-01 §4 for RFC 4106, RFC 7634 appendix A. */
import type { CipherSuite } from '@weft/core'
import { CHACHA, GCM_16 } from './reference-suites.ts'

/** A packet, and what it was sealed with. Payloads end where the padding begins. */
export interface EspVector {
  readonly name: string
  readonly suite: CipherSuite
  readonly key: string
  readonly salt: string
  readonly vector: string
  readonly spi: number
  /** What is authenticated: with all 64 bits where the sequence number is extended. */
  readonly sequence: number
  readonly extendedSequence: boolean
  readonly payload: string
  /** Padding, its length and the next header, as the sender wrote them. */
  readonly trailer: string
  readonly sealed: string
}

/** Every case with AES-128 whose sequence number our numbers reach. */
export const ESP_VECTORS: readonly EspVector[] = [
  {
    name: 'case 2: no padding',
    suite: GCM_16,
    key: 'feffe9928665731c6d6a8f9467308308',
    salt: 'cafebabe',
    vector: 'facedbaddecaf888',
    spi: 0xa5f8,
    sequence: 10,
    extendedSequence: false,
    payload:
      '4500003e698f000080114dccc0a80102c0a801010a980035002a2343b2d001000001000000000000037369' +
      '700963796265726369747902646b0000010001',
    trailer: '0001',
    sealed:
      'deb22cd9b07c72c16e3a65beeb8df304a5a5897d33ae530f1ba76d5d114d2a5c3de81827c10e9a4f51330d' +
      '0eec416642cfbb85a5b47e48a4ec3b9ba95d918bd183b70d3aa8bc6ee4c309e9d85a41ad4a',
  },
  {
    name: 'case 4: zeros for a key',
    suite: GCM_16,
    key: '00000000000000000000000000000000',
    salt: '00000000',
    vector: '0000000000000000',
    spi: 0,
    sequence: 1,
    extendedSequence: false,
    payload:
      '4500003c99c500008001cb7a40679318010101010800075c020044006162636465666768696a6b6c6d6e6f' +
      '7071727374757677616263646566676869',
    trailer: '01020201',
    sealed:
      '4688daf2f973a392732909c331d56d60f694abaa414b5e7ff5fdcdfff5e9a284456476492719ffb64de7d9' +
      'dca1e1d894bc3bd57873ed4d181d19d4d5c8c18af3f821d496eeb096e98ad2b69e4799c71d',
  },
  {
    name: 'case 8: an extended sequence number',
    suite: GCM_16,
    key: 'abbccddef00112233445566778899aab',
    salt: 'decaf888',
    vector: 'cafedebaceface74',
    spi: 0x100,
    sequence: 1,
    extendedSequence: true,
    payload:
      '4500004933ba00007f119106c3fb1d10c2b1d326c02831ce0035dd7b800302d500004e20001e8c18d75b81' +
      'dc91baa0476b91b924b280389d92c963bac046ec959b6266c04722b14923',
    trailer: '010101',
    sealed:
      '18a6fd42f72cbf4ab2a2ea901f73d814e3e7f243d95412e1c349c1d2fbec168f9190feebaf2cb01984e658' +
      '63965d7472b79da345e0e780191f0d2f0e0f496c226f2127b27db35724e7845d68651f57e65f354f75ff17' +
      '015769623436',
  },
  {
    name: 'case 12: the last sequence number, and nothing inside',
    suite: GCM_16,
    key: '7d773d00c144c525ac619d18c84a3f47',
    salt: 'd9664267',
    vector: '43457e9182443bc6',
    spi: 0x3354_67ae,
    sequence: 0xffff_ffff,
    extendedSequence: false,
    payload: '',
    trailer: '01020201',
    sealed: '437f866bcb3f699fe9b0822bac961c4504bef270',
  },
  {
    name: 'case 13: a text that is no packet',
    suite: GCM_16,
    key: 'abbccddef00112233445566778899aab',
    salt: 'decaf888',
    vector: 'cafedebaceface74',
    spi: 0x100,
    sequence: 1,
    extendedSequence: true,
    payload: '746f016265016f72016e6f7401746f016265',
    trailer: '0001',
    sealed: '29c9fc69a197d038ccdd14e2ddfcaa0543332164412503524303ed3c6c5f283843af8c3e',
  },
  {
    name: 'RFC 7634, appendix A',
    suite: CHACHA,
    key: '808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f',
    salt: 'a0a1a2a3',
    vector: '1011121314151617',
    spi: 0x0102_0304,
    sequence: 5,
    extendedSequence: false,
    payload:
      '45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec100007362708090a0b0c0d0e' +
      '0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637',
    trailer: '01020204',
    sealed:
      '24039428b97f417e3c13753a4f05087b67c352e6a7fab1b982d466ef407ae5c614ee8099d52844eb61aa95' +
      'dfab4c02f72aa71e7c4c4f64c9befe2facc638e8f3cbec163fac469b502773f6fb94e664da9165b82829f6' +
      '41e076aaa8266b7fb0f7b11b369907e1ad43',
  },
]
