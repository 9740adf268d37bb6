/** nftables tables as values, and the transaction that puts one in place. */
import {
  addressOf,
  assert,
  ipBytes,
  ipFamily,
  prefixLength,
  setU16,
  type Cidr,
  type IpFamily,
} from '@weft/core'
import type { MessageWriter } from './message-writer.ts'
import { NLM_F } from './netlink-numbers.ts'
import {
  INET_HOOK,
  NETDEV_HOOK,
  NF_VERDICT,
  NFGENMSG_BYTES,
  NFNL_MSG,
  NFNL_SUBSYS_NFTABLES,
  NFPROTO,
  NFT_CMP_EQ,
  NFT_META,
  NFT_MSG,
  NFT_PAYLOAD,
  NFT_REG,
  NFTA_BITWISE,
  NFTA_CHAIN,
  NFTA_CMP,
  NFTA_DATA,
  NFTA_EXPR,
  NFTA_HOOK,
  NFTA_IMMEDIATE,
  NFTA_LIST_ELEM,
  NFTA_META,
  NFTA_PAYLOAD,
  NFTA_RULE,
  NFTA_TABLE,
  NFTA_VERDICT_CODE,
  UDATA_COMMENT,
} from './nft-numbers.ts'

/** Which packets a table sees. */
export type TableFamily = keyof typeof NFPROTO

/** A table by family and name. */
export interface TableRef {
  readonly family: TableFamily
  readonly name: string
}

/** A table with all that is in it. */
export interface TableSpec extends TableRef {
  readonly chains: readonly ChainSpec[]
}

/** A chain on a hook. `ingress` and `egress` are hooks of netdev tables, and need a device. */
export interface ChainSpec {
  readonly name: string
  readonly hook: keyof typeof INET_HOOK | keyof typeof NETDEV_HOOK
  /** Lower comes first; 0 is `filter`. */
  readonly priority: number
  /** What becomes of a packet no rule decided on. */
  readonly policy: keyof typeof NF_VERDICT
  readonly device?: string
  readonly rules: readonly RuleSpec[]
}

/** A condition on a packet. */
export type Match =
  | { readonly on: 'incoming-link' | 'outgoing-link'; readonly name: string }
  | { readonly on: 'source' | 'destination'; readonly cidr: Cidr }
  | { readonly on: 'protocol'; readonly protocol: number }
  | { readonly on: 'udp-destination-port'; readonly port: number }

/** A rule: all conditions hold, then the packet is counted, then decided on. */
export interface RuleSpec {
  readonly matches: readonly Match[]
  readonly counter: boolean
  readonly verdict: keyof typeof NF_VERDICT
  /** An ownership mark, at most 127 bytes. */
  readonly comment?: string
}

/** Longest comment of a rule (NFTNL_UDATA_COMMENT_MAXLEN in nft). */
export const COMMENT_BYTES_MAX = 127

const ETHERTYPE = { 4: 0x0800, 6: 0x86dd } as const
const IP_OFFSETS = {
  4: { source: 12, destination: 16 },
  6: { source: 8, destination: 24 },
} as const
const UDP = 17
const UDP_DESTINATION_PORT = 2
const IFNAMSIZ = 16

/** Begin a transaction; write the rest, then `endTransaction`. Send it whole. */
export function beginTransaction(writer: MessageWriter): void {
  writeMarker(writer.clear(), NFNL_MSG.BATCH_BEGIN)
}

/** End a transaction. */
export function endTransaction(writer: MessageWriter): void {
  writeMarker(writer, NFNL_MSG.BATCH_END)
}

function writeMarker(writer: MessageWriter, type: number): void {
  const body = writer.begin(type, 0, NFGENMSG_BYTES)
  // res_id in network order.
  writer.setU8(body + 3, NFNL_SUBSYS_NFTABLES)
}

/** Begin an nftables message of a family. */
export function beginNft(writer: MessageWriter, message: number, head: NftHead): void {
  const body = writer.begin((NFNL_SUBSYS_NFTABLES << 8) | message, head.flags, NFGENMSG_BYTES)
  writer.setU8(body, head.family === null ? 0 : NFPROTO[head.family])
}

/** Family and flags of a message; null for all families. */
export interface NftHead {
  readonly family: TableFamily | null
  readonly flags: number
}

/** Make the table be exactly this, whether or not it was there. */
export function writeReplaceTable(writer: MessageWriter, table: TableSpec): void {
  // Adding first makes the deletion succeed in every case, as `nft` scripts do.
  writeTable(writer, table, NFT_MSG.NEWTABLE)
  writeTable(writer, table, NFT_MSG.DELTABLE)
  writeTable(writer, table, NFT_MSG.NEWTABLE)
  for (const chain of table.chains) {
    writeChain(writer, table, chain)
    for (const rule of chain.rules) writeRule(writer, { table, chain }, rule)
  }
}

/** Remove a table with all that is in it. */
export function writeDeleteTable(writer: MessageWriter, table: TableRef): void {
  writeTable(writer, table, NFT_MSG.DELTABLE)
}

function writeTable(writer: MessageWriter, { family, name }: TableRef, message: number): void {
  beginNft(writer, message, { family, flags: message === NFT_MSG.NEWTABLE ? NLM_F.CREATE : 0 })
  writer.text(NFTA_TABLE.NAME, name)
}

function writeChain(writer: MessageWriter, table: TableRef, chain: ChainSpec): void {
  const { device, hook, name, policy, priority } = chain
  beginNft(writer, NFT_MSG.NEWCHAIN, { family: table.family, flags: NLM_F.CREATE })
  writer.text(NFTA_CHAIN.TABLE, table.name)
  writer.text(NFTA_CHAIN.NAME, name)
  const opened = writer.open(NFTA_CHAIN.HOOK)
  const hooks: { readonly [name: string]: number } = { ...INET_HOOK, ...NETDEV_HOOK }
  writer.u32be(NFTA_HOOK.HOOKNUM, hooks[hook] ?? 0)
  writer.u32be(NFTA_HOOK.PRIORITY, priority)
  if (device !== undefined) writer.text(NFTA_HOOK.DEV, device)
  writer.close(opened)
  writer.u32be(NFTA_CHAIN.POLICY, NF_VERDICT[policy])
  writer.text(NFTA_CHAIN.TYPE, 'filter')
}

interface RulePlace {
  readonly table: TableRef
  readonly chain: ChainSpec
}

function writeRule(writer: MessageWriter, { chain, table }: RulePlace, rule: RuleSpec): void {
  beginNft(writer, NFT_MSG.NEWRULE, { family: table.family, flags: NLM_F.CREATE | NLM_F.APPEND })
  writer.text(NFTA_RULE.TABLE, table.name)
  writer.text(NFTA_RULE.CHAIN, chain.name)
  const expressions = writer.open(NFTA_RULE.EXPRESSIONS)
  const write = new ExpressionWriter(writer, table.family)
  for (const match of rule.matches) write.match(match)
  if (rule.counter) write.counter()
  write.verdict(NF_VERDICT[rule.verdict])
  writer.close(expressions)
  if (rule.comment !== undefined) writer.bytes(NFTA_RULE.USERDATA, commentBytes(rule.comment))
}

/** libnftnl's form: type, length, text with its closing zero. */
function commentBytes(comment: string): Uint8Array {
  const text = new TextEncoder().encode(comment)
  assert(text.length <= COMMENT_BYTES_MAX, 'a comment of a rule is too long')
  return Uint8Array.of(UDATA_COMMENT, text.length + 1, ...text, 0)
}

/** Writes the expressions of one rule, all through register 1. */
class ExpressionWriter {
  readonly #writer: MessageWriter
  readonly #family: TableFamily

  constructor(writer: MessageWriter, family: TableFamily) {
    this.#writer = writer
    this.#family = family
  }

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
      default:
        return this.#address(match.on, match.cidr)
    }
  }

  counter(): void {
    this.#expression('counter', () => undefined)
  }

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

  #payload(base: number, offset: number, length: number): void {
    this.#expression('payload', (writer) => {
      writer.u32be(NFTA_PAYLOAD.DREG, NFT_REG.ONE)
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

function be16(value: number): Uint8Array {
  const bytes = new Uint8Array(2)
  setU16(bytes, 0, value)
  return bytes
}
