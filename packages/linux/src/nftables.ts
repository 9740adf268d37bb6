/** nftables in one namespace, by netlink transactions: put a table in place, remove it, look. */
import { u8 } from '@weft/core'
import type { AttributeReader } from './attribute-reader.ts'
import { isKernelError, type Attempt } from './errors.ts'
import { MessageWriter } from './message-writer.ts'
import type { MessageReader } from './messages.ts'
import { inNamespace } from './namespaces.ts'
import { NLM_F } from './netlink-numbers.ts'
import { NetlinkSocket } from './netlink-socket.ts'
import {
  NFGENMSG_BYTES,
  NFT_MSG,
  NFTA_COUNTER,
  NFTA_EXPR,
  NFTA_LIST_ELEM,
  NFTA_RULE,
  UDATA_COMMENT,
} from './nft-numbers.ts'
import { beginNft, type TableRef } from './nft-message.ts'
import { readEntries, writeListEntries } from './nft-sets.ts'
import { readTableRef } from './nft-tables.ts'
import {
  beginTransaction,
  endTransaction,
  writeDeleteTable,
  writeReplaceTable,
  type TableSpec,
} from './nft-writer.ts'
import { NETLINK } from './socket-numbers.ts'

/** A rule as the kernel has it. */
export interface NftRule {
  readonly chain: string
  readonly comment: string | null
  /** Null when the rule does not count. */
  readonly packets: number | null
  readonly bytes: number | null
}

/** One nfnetlink socket in one namespace. Invariant: a change is one transaction, all or none. */
export class Nftables implements Disposable {
  readonly #socket: NetlinkSocket
  readonly #writer = new MessageWriter()

  private constructor(socket: NetlinkSocket) {
    this.#socket = socket
  }

  /**
   * Open nftables of a namespace, the current one when left out. Throws ERR_KERNEL:
   * EPROTONOSUPPORT on a kernel without it.
   */
  static open(namespace?: string | number): Nftables {
    const open = (): NetlinkSocket => NetlinkSocket.open(NETLINK.NETFILTER)
    return new Nftables(namespace === undefined ? open() : inNamespace(namespace, open))
  }

  /** Make a table be exactly this, in one step. Counters start anew. Throws ERR_KERNEL. */
  replaceTable(table: TableSpec): void {
    const attempt = { operation: 'replace nftables table', object: nameOf(table) }
    this.#transact(attempt, (writer) => writeReplaceTable(writer, table))
  }

  /** Remove a table; false when it was not there. Throws ERR_KERNEL. */
  deleteTable(table: TableRef): boolean {
    const attempt = { operation: 'delete nftables table', object: nameOf(table) }
    try {
      this.#transact(attempt, (writer) => writeDeleteTable(writer, table))
      return true
    } catch (error) {
      if (isKernelError(error, 'ENOENT')) return false
      throw error
    }
  }

  /** All tables of families this code knows. Throws ERR_KERNEL. */
  tables(): TableRef[] {
    const writer = this.#writer.clear()
    beginNft(writer, NFT_MSG.GETTABLE, { family: null, flags: NLM_F.DUMP })
    const attempt = { operation: 'list nftables tables', object: 'tables' }
    return this.#socket.dump(writer, attempt, readTableRef)
  }

  /** The rules of a table in their order, with what they counted. Throws ERR_KERNEL. */
  rules(table: TableRef): NftRule[] {
    const writer = this.#writer.clear()
    beginNft(writer, NFT_MSG.GETRULE, { family: table.family, flags: NLM_F.DUMP })
    writer.text(NFTA_RULE.TABLE, table.name)
    const attempt = { operation: 'list nftables rules', object: nameOf(table) }
    return this.#socket.dump(writer, attempt, (message) => readRule(message, table.name))
  }

  /** Keys that a set of a table has now, as words. Throws ERR_KERNEL: ENOENT. */
  keys(table: TableRef, set: string): (readonly number[])[] {
    const writer = this.#writer.clear()
    writeListEntries(writer, table, set)
    const attempt = { operation: 'list nftables set', object: `${nameOf(table)} ${set}` }
    return this.#socket.dump(writer, attempt, readEntries).flat()
  }

  /** Idempotent. */
  close(): void {
    this.#socket.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #transact(attempt: Attempt, write: (writer: MessageWriter) => void): void {
    const writer = this.#writer
    beginTransaction(writer)
    write(writer)
    // Older kernels acknowledge neither mark of a transaction, so the last message inside does.
    const acknowledged = writer.count - 1
    endTransaction(writer)
    this.#socket.carryOut(writer, attempt, { whole: true, acknowledged })
  }
}

function nameOf({ family, name }: TableRef): string {
  return `${family} ${name}`
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** Kernels before strict filtering send the rules of all tables. */
function readRule(message: MessageReader, table: string): NftRule | null {
  const rule: Writable<NftRule> = { chain: '', comment: null, packets: null, bytes: null }
  let ours = false
  const attributes = message.attributes(NFGENMSG_BYTES)
  while (attributes.next()) {
    const { type } = attributes
    if (type === NFTA_RULE.TABLE) ours = attributes.text() === table
    else if (type === NFTA_RULE.CHAIN) rule.chain = attributes.text()
    else if (type === NFTA_RULE.USERDATA) rule.comment = commentOf(attributes.copy())
    else if (type === NFTA_RULE.EXPRESSIONS) readCounter(rule, attributes.nested())
  }
  return ours ? rule : null
}

function readCounter(rule: Writable<NftRule>, elements: AttributeReader): void {
  while (elements.next()) {
    if (elements.type !== NFTA_LIST_ELEM) continue
    const expression = elements.nested()
    let name = ''
    while (expression.next()) {
      if (expression.type === NFTA_EXPR.NAME) name = expression.text()
      else if (expression.type === NFTA_EXPR.DATA && name === 'counter') {
        const counter = expression.nested()
        while (counter.next()) {
          if (counter.type === NFTA_COUNTER.PACKETS) rule.packets = counter.u64be()
          else if (counter.type === NFTA_COUNTER.BYTES) rule.bytes = counter.u64be()
        }
      }
    }
  }
}

/** The comment in a rule's user data: items of type, length, value. */
function commentOf(userData: Uint8Array): string | null {
  for (let at = 0; at + 2 <= userData.length; at += 2 + u8(userData, at + 1)) {
    const end = at + 2 + u8(userData, at + 1)
    if (u8(userData, at) !== UDATA_COMMENT || end > userData.length) continue
    return new TextDecoder().decode(userData.subarray(at + 2, end)).replace(/\0.*$/s, '')
  }
  return null
}
