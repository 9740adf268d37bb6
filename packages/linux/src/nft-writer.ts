/** nftables tables as values, and the transaction that puts one in place. */
import { assert } from '@weft/core'
import type { MessageWriter } from './message-writer.ts'
import { NLM_F } from './netlink-numbers.ts'
import { ExpressionWriter, type Match, type PacketKey } from './nft-expressions.ts'
import { beginNft, type TableRef } from './nft-message.ts'
import {
  INET_HOOK,
  NETDEV_HOOK,
  NF_VERDICT,
  NFGENMSG_BYTES,
  NFNL_MSG,
  NFNL_SUBSYS_NFTABLES,
  NFT_MSG,
  NFTA_CHAIN,
  NFTA_HOOK,
  NFTA_RULE,
  NFTA_TABLE,
  UDATA_COMMENT,
} from './nft-numbers.ts'
import { writeSet, type SetSpec } from './nft-sets.ts'

/** A table with all that is in it. */
export interface TableSpec extends TableRef {
  /** What its rules look packets up in. */
  readonly sets?: readonly SetSpec[]
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
  /** `route`: packets whose mark a rule changed are routed anew; only on `output` (`filter`). */
  readonly type?: 'filter' | 'route'
  readonly rules: readonly RuleSpec[]
}

/** A rule: all conditions hold, then the packet is counted, marked, remembered, decided on. */
export interface RuleSpec {
  readonly matches: readonly Match[]
  readonly counter: boolean
  /** Put this mark on the packet, or the one that a map has for it; without one the rule ends. */
  readonly setMark?: number | { readonly from: string; readonly key: PacketKey }
  /** Have a set remember the packet by this key. */
  readonly remember?: { readonly in: string; readonly key: PacketKey }
  /** `continue`: the next rule sees it too. */
  readonly verdict: keyof typeof NF_VERDICT | 'continue'
  /** An ownership mark, at most 127 bytes. */
  readonly comment?: string
}

/** Longest comment of a rule (NFTNL_UDATA_COMMENT_MAXLEN in nft). */
export const COMMENT_BYTES_MAX = 127

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

/** Make the table be exactly this, whether or not it was there. */
export function writeReplaceTable(writer: MessageWriter, table: TableSpec): void {
  // Adding first makes the deletion succeed in every case, as `nft` scripts do.
  writeTable(writer, table, NFT_MSG.NEWTABLE)
  writeTable(writer, table, NFT_MSG.DELTABLE)
  writeTable(writer, table, NFT_MSG.NEWTABLE)
  for (const [id, set] of (table.sets ?? []).entries()) writeSet(writer, { table, id }, set)
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
  writer.text(NFTA_CHAIN.TYPE, chain.type ?? 'filter')
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
  if (typeof rule.setMark === 'number') write.setMark(rule.setMark)
  else if (rule.setMark !== undefined) write.setMarkFrom(rule.setMark.key, rule.setMark.from)
  if (rule.remember !== undefined) write.remember(rule.remember.key, rule.remember.in)
  if (rule.verdict !== 'continue') write.verdict(NF_VERDICT[rule.verdict])
  writer.close(expressions)
  if (rule.comment !== undefined) writer.bytes(NFTA_RULE.USERDATA, commentBytes(rule.comment))
}

/** libnftnl's form: type, length, text with its closing zero. */
function commentBytes(comment: string): Uint8Array {
  const text = new TextEncoder().encode(comment)
  assert(text.length <= COMMENT_BYTES_MAX, 'a comment of a rule is too long')
  return Uint8Array.of(UDATA_COMMENT, text.length + 1, ...text, 0)
}
