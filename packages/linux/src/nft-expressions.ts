/** Conditions on packets, and the expressions of nftables that test them. */
import {
  addressOf,
  assert,
  ipBytes,
  ipFamily,
  prefixLength,
  setU16,
  setU32,
  setU32le,
  type Cidr,
  type IpFamily,
  type Vni,
} from '@weft/core'
import type { MessageWriter } from './message-writer.ts'
import {
  NFPROTO,
  NFT_CMP_EQ,
  NFT_DYNSET_UPDATE,
  NFT_META,
  NFT_PAYLOAD,
  NFT_REG,
  NFT_RT_XFRM,
  NFTA_BITWISE,
  NFTA_CMP,
  NFTA_DATA,
  NFTA_DYNSET,
  NFTA_EXPR,
  NFTA_IMMEDIATE,
  NFTA_LIST_ELEM,
  NFTA_LOOKUP,
  NFTA_META,
  NFTA_PAYLOAD,
  NFTA_RT,
  NFTA_VERDICT_CODE,
} from './nft-numbers.ts'

/** A condition on a packet. */
export type Match =
  | { readonly on: 'incoming-link' | 'outgoing-link'; readonly name: string }
  | { readonly on: 'source' | 'destination'; readonly cidr: Cidr }
  | { readonly on: 'protocol'; readonly protocol: number }
  | { readonly on: 'udp-destination-port'; readonly port: number }
  /** The VNI in a VXLAN header (RFC 7348 §5), wherever the datagram's UDP payload begins. */
  | { readonly on: 'vxlan-vni'; readonly vni: Vni }
  | { readonly on: 'mark'; readonly mark: number }
  /** Whether the packet came out of IPsec (`meta ipsec`). */
  | { readonly on: 'was-encrypted'; readonly is: boolean }
  /** Whether the packet is on its way into IPsec (`rt ipsec`); on output and after. */
  | { readonly on: 'will-be-encrypted'; readonly is: boolean }
  /** Whether a set of the table has this key of the packet. */
  | { readonly on: PacketKey; readonly in: string }

/**
 * What sets know packets of ESP by: the SPI, or the SPI and the four bytes behind the sequence
 * number, where the initialization vector begins (RFC 4303 §2, RFC 4106 §3.1).
 */
export type PacketKey = 'esp-spi' | 'esp-run'

const ETHERTYPE = { 4: 0x0800, 6: 0x86dd } as const
const IP_OFFSETS = {
  4: { source: 12, destination: 16 },
  6: { source: 8, destination: 24 },
} as const
const UDP = 17
const UDP_DESTINATION_PORT = 2
/** UDP header, then flags and reserved bytes of VXLAN. */
const VXLAN_VNI = 12
const ESP = 50
/** The vector begins behind SPI and sequence number. */
const ESP_VECTOR = 8
const IFNAMSIZ = 16

/** Writes the expressions of one rule, all through register 1, values of maps through 2. */
export class ExpressionWriter {
  readonly #writer: MessageWriter
  readonly #family: keyof typeof NFPROTO

  /** Expressions of a table of this family go to `writer`. */
  constructor(writer: MessageWriter, family: keyof typeof NFPROTO) {
    this.#writer = writer
    this.#family = family
  }

  /** Go on only if this holds. */
  match(match: Match): void {
    switch (match.on) {
      case 'incoming-link':
      case 'outgoing-link':
        this.#meta(match.on === 'incoming-link' ? NFT_META.IIFNAME : NFT_META.OIFNAME)
        return this.#equals(linkNameBytes(match.name))
      case 'protocol':
        return this.#protocol(match.protocol)
      case 'udp-destination-port': {
        this.#protocol(UDP)
        this.#payload(NFT_PAYLOAD.TRANSPORT, UDP_DESTINATION_PORT, 2)
        return this.#equals(be16(match.port))
      }
      case 'vxlan-vni':
        this.#protocol(UDP)
        this.#payload(NFT_PAYLOAD.TRANSPORT, VXLAN_VNI, 3)
        return this.#equals(be32(match.vni).subarray(1))
      case 'mark':
        this.#meta(NFT_META.MARK)
        return this.#equals(host32(match.mark))
      case 'was-encrypted':
        this.#meta(NFT_META.SECPATH)
        return this.#equals(Uint8Array.of(match.is ? 1 : 0))
      case 'will-be-encrypted':
        this.#expression('rt', (writer) => {
          writer.u32be(NFTA_RT.DREG, NFT_REG.ONE)
          writer.u32be(NFTA_RT.KEY, NFT_RT_XFRM)
        })
        return this.#equals(Uint8Array.of(match.is ? 1 : 0))
      case 'esp-spi':
      case 'esp-run':
        this.#packetKey(match.on)
        return this.#lookUp(match.in)
      default:
        return this.#address(match.on, match.cidr)
    }
  }

  /** Put a mark on the packet. */
  setMark(mark: number): void {
    this.#expression('immediate', (writer) => {
      writer.u32be(NFTA_IMMEDIATE.DREG, NFT_REG.ONE)
      writeData(writer, NFTA_IMMEDIATE.DATA, host32(mark))
    })
    this.#expression('meta', (writer) => {
      writer.u32be(NFTA_META.KEY, NFT_META.MARK)
      writer.u32be(NFTA_META.SREG, NFT_REG.ONE)
    })
  }

  /** Put the mark on the packet that a map has for it; go on only if it has one. */
  setMarkFrom(key: PacketKey, map: string): void {
    this.#packetKey(key)
    this.#lookUp(map, NFT_REG.TWO)
    this.#expression('meta', (writer) => {
      writer.u32be(NFTA_META.KEY, NFT_META.MARK)
      writer.u32be(NFTA_META.SREG, NFT_REG.TWO)
    })
  }

  /** Have a set remember the packet's key; go on only if there is room for it. */
  remember(key: PacketKey, set: string): void {
    this.#packetKey(key)
    this.#expression('dynset', (writer) => {
      writer.text(NFTA_DYNSET.SET_NAME, set)
      writer.u32be(NFTA_DYNSET.OP, NFT_DYNSET_UPDATE)
      writer.u32be(NFTA_DYNSET.SREG_KEY, NFT_REG.ONE)
    })
  }

  /** Count the packet. */
  counter(): void {
    this.#expression('counter', () => undefined)
  }

  /** Decide on the packet. */
  verdict(code: number): void {
    this.#expression('immediate', (writer) => {
      writer.u32be(NFTA_IMMEDIATE.DREG, NFT_REG.VERDICT)
      const opened = writer.open(NFTA_IMMEDIATE.DATA)
      const verdict = writer.open(NFTA_DATA.VERDICT)
      writer.u32be(NFTA_VERDICT_CODE, code)
      writer.close(verdict)
      writer.close(opened)
    })
  }

  #protocol(protocol: number): void {
    this.#meta(NFT_META.L4PROTO)
    this.#equals(Uint8Array.of(protocol))
  }

  #packetKey(key: PacketKey): void {
    this.#protocol(ESP)
    this.#payload(NFT_PAYLOAD.TRANSPORT, 0, 4)
    if (key === 'esp-run') this.#payload(NFT_PAYLOAD.TRANSPORT, ESP_VECTOR, 4, NFT_REG.WORD_ONE)
  }

  /** Register 1 in a set of the table; of a map, its value into another register. */
  #lookUp(set: string, into?: number): void {
    this.#expression('lookup', (writer) => {
      writer.text(NFTA_LOOKUP.SET, set)
      writer.u32be(NFTA_LOOKUP.SREG, NFT_REG.ONE)
      if (into !== undefined) writer.u32be(NFTA_LOOKUP.DREG, into)
    })
  }

  #address(on: 'source' | 'destination', cidr: Cidr): void {
    const bytes = ipBytes(addressOf(cidr))
    const family = ipFamily(addressOf(cidr))
    this.#onlyFamily(family)
    this.#payload(NFT_PAYLOAD.NETWORK, IP_OFFSETS[family][on], bytes.length)
    if (prefixLength(cidr) < 8 * bytes.length) this.#mask(prefixLength(cidr), bytes.length)
    this.#equals(bytes)
  }

  /** Tables of one IP family need no such condition. */
  #onlyFamily(family: IpFamily): void {
    if (this.#family === 'inet') {
      this.#meta(NFT_META.NFPROTO)
      this.#equals(Uint8Array.of(family === 4 ? NFPROTO.ip : NFPROTO.ip6))
    } else if (this.#family === 'netdev' || this.#family === 'bridge') {
      this.#meta(NFT_META.PROTOCOL)
      this.#equals(be16(ETHERTYPE[family]))
    }
  }

  #meta(key: number): void {
    this.#expression('meta', (writer) => {
      writer.u32be(NFTA_META.DREG, NFT_REG.ONE)
      writer.u32be(NFTA_META.KEY, key)
    })
  }

  #payload(base: number, ...[offset, length, into = NFT_REG.ONE]: PayloadPlace): void {
    this.#expression('payload', (writer) => {
      writer.u32be(NFTA_PAYLOAD.DREG, into)
      writer.u32be(NFTA_PAYLOAD.BASE, base)
      writer.u32be(NFTA_PAYLOAD.OFFSET, offset)
      writer.u32be(NFTA_PAYLOAD.LEN, length)
    })
  }

  #mask(prefixBits: number, length: number): void {
    const mask = Uint8Array.from({ length }, (_, i) => {
      const bits = Math.max(0, Math.min(8, prefixBits - 8 * i))
      return (0xff << (8 - bits)) & 0xff
    })
    this.#expression('bitwise', (writer) => {
      writer.u32be(NFTA_BITWISE.SREG, NFT_REG.ONE)
      writer.u32be(NFTA_BITWISE.DREG, NFT_REG.ONE)
      writer.u32be(NFTA_BITWISE.LEN, length)
      writeData(writer, NFTA_BITWISE.MASK, mask)
      writeData(writer, NFTA_BITWISE.XOR, new Uint8Array(length))
    })
  }

  #equals(value: Uint8Array): void {
    this.#expression('cmp', (writer) => {
      writer.u32be(NFTA_CMP.SREG, NFT_REG.ONE)
      writer.u32be(NFTA_CMP.OP, NFT_CMP_EQ)
      writeData(writer, NFTA_CMP.DATA, value)
    })
  }

  #expression(name: string, body: (writer: MessageWriter) => void): void {
    const writer = this.#writer
    const element = writer.open(NFTA_LIST_ELEM)
    writer.text(NFTA_EXPR.NAME, name)
    const opened = writer.open(NFTA_EXPR.DATA)
    body(writer)
    writer.close(opened)
    writer.close(element)
  }
}

/** Bytes of a packet, and the register they go to. */
type PayloadPlace = readonly [offset: number, length: number, into?: number]

function writeData(writer: MessageWriter, type: number, value: Uint8Array): void {
  const opened = writer.open(type)
  writer.bytes(NFTA_DATA.VALUE, value)
  writer.close(opened)
}

/** Names are compared with all 16 bytes of a device's name. */
function linkNameBytes(name: string): Uint8Array {
  const bytes = new Uint8Array(IFNAMSIZ)
  const written = new TextEncoder().encodeInto(name, bytes).written
  assert(written < IFNAMSIZ, 'a link name is too long')
  return bytes
}

function be32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  setU32(bytes, 0, value)
  return bytes
}

/** Marks are numbers of the host, not of the network. */
function host32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  setU32le(bytes, 0, value)
  return bytes
}

function be16(value: number): Uint8Array {
  const bytes = new Uint8Array(2)
  setU16(bytes, 0, value)
  return bytes
}
