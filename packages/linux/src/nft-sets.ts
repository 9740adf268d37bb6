/** Sets and maps of nftables tables: what rules look packets up in, and what they remember. */
import { setU32, setU32le, u32 } from '@weft/core'
import type { AttributeReader } from './attribute-reader.ts'
import type { MessageWriter } from './message-writer.ts'
import type { MessageReader } from './messages.ts'
import { NLM_F } from './netlink-numbers.ts'
import type { PacketKey } from './nft-expressions.ts'
import { beginNft, type TableRef } from './nft-message.ts'
import {
  NFGENMSG_BYTES,
  NFT_MSG,
  NFT_SET,
  NFT_TYPE_BITS,
  NFT_TYPE_MARK,
  NFTA_DATA,
  NFTA_LIST_ELEM,
  NFTA_SET,
  NFTA_SET_DESC,
  NFTA_SET_ELEM,
  NFTA_SET_ELEM_LIST,
} from './nft-numbers.ts'

/** A key as the words of 32 bits it is made of, and the mark that a map has for it. */
export interface SetEntry {
  readonly words: readonly number[]
  readonly mark?: number
}

/** A set of a table; a map when its entries have marks. */
export interface SetSpec {
  readonly name: string
  readonly key: PacketKey
  readonly holds: 'keys' | 'marks'
  /** For sets that rules fill: an entry goes when no packet had its key for so long. */
  readonly remembers?: { readonly forgetMs: number; readonly entriesMax: number }
  readonly entries: readonly SetEntry[]
}

const WORD_BYTES = 4
const WORDS = { 'esp-spi': 1, 'esp-run': 2 } as const
/** An attribute cannot be longer than 64 KiB; an entry takes at most 36 bytes. */
const ENTRIES_A_MESSAGE = 1000

/** Where a set is. */
export interface SetPlace {
  readonly table: TableRef
  /** In a transaction each set has a number of its own. */
  readonly id: number
}

/** Make a set with its entries. */
export function writeSet(writer: MessageWriter, { id, table }: SetPlace, set: SetSpec): void {
  const { holds, key, name, remembers } = set
  const words = WORDS[key]
  beginNft(writer, NFT_MSG.NEWSET, { family: table.family, flags: NLM_F.CREATE })
  writer.text(NFTA_SET.TABLE, table.name)
  writer.text(NFTA_SET.NAME, name)
  const fromRules = remembers === undefined ? 0 : NFT_SET.EVAL | NFT_SET.TIMEOUT
  writer.u32be(NFTA_SET.FLAGS, (holds === 'marks' ? NFT_SET.MAP : 0) | fromRules)
  const one = NFT_TYPE_MARK
  writer.u32be(NFTA_SET.KEY_TYPE, words === 1 ? one : (one << NFT_TYPE_BITS) | one)
  writer.u32be(NFTA_SET.KEY_LEN, words * WORD_BYTES)
  if (holds === 'marks') {
    writer.u32be(NFTA_SET.DATA_TYPE, NFT_TYPE_MARK)
    writer.u32be(NFTA_SET.DATA_LEN, WORD_BYTES)
  }
  writer.u32be(NFTA_SET.ID, id)
  if (remembers !== undefined) {
    writer.u64be(NFTA_SET.TIMEOUT, remembers.forgetMs)
    const opened = writer.open(NFTA_SET.DESC)
    writer.u32be(NFTA_SET_DESC.SIZE, remembers.entriesMax)
    writer.close(opened)
  }
  for (let from = 0; from < set.entries.length; from += ENTRIES_A_MESSAGE) {
    writeEntries(writer, { table, name }, set.entries.slice(from, from + ENTRIES_A_MESSAGE))
  }
}

function writeEntries(
  writer: MessageWriter,
  { name, table }: { readonly name: string; readonly table: TableRef },
  entries: readonly SetEntry[],
): void {
  beginNft(writer, NFT_MSG.NEWSETELEM, { family: table.family, flags: NLM_F.CREATE })
  writer.text(NFTA_SET_ELEM_LIST.TABLE, table.name)
  writer.text(NFTA_SET_ELEM_LIST.SET, name)
  const list = writer.open(NFTA_SET_ELEM_LIST.ELEMENTS)
  for (const { mark, words } of entries) {
    const element = writer.open(NFTA_LIST_ELEM)
    writeValue(writer, NFTA_SET_ELEM.KEY, keyBytes(words))
    if (mark !== undefined) writeValue(writer, NFTA_SET_ELEM.DATA, markBytes(mark))
    writer.close(element)
  }
  writer.close(list)
}

function writeValue(writer: MessageWriter, type: number, bytes: Uint8Array): void {
  const opened = writer.open(type)
  writer.bytes(NFTA_DATA.VALUE, bytes)
  writer.close(opened)
}

function keyBytes(words: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(WORD_BYTES * words.length)
  words.forEach((word, i) => setU32(bytes, WORD_BYTES * i, word))
  return bytes
}

function markBytes(mark: number): Uint8Array {
  const bytes = new Uint8Array(WORD_BYTES)
  setU32le(bytes, 0, mark)
  return bytes
}

/** Ask for the entries of a set. */
export function writeListEntries(writer: MessageWriter, table: TableRef, name: string): void {
  beginNft(writer, NFT_MSG.GETSETELEM, { family: table.family, flags: NLM_F.DUMP })
  writer.text(NFTA_SET_ELEM_LIST.TABLE, table.name)
  writer.text(NFTA_SET_ELEM_LIST.SET, name)
}

/** The keys in one message of the answer, as words. */
export function readEntries(message: MessageReader): readonly (readonly number[])[] {
  const keys: (readonly number[])[] = []
  const attributes = message.attributes(NFGENMSG_BYTES)
  while (attributes.next()) {
    if (attributes.type !== NFTA_SET_ELEM_LIST.ELEMENTS) continue
    const list = attributes.nested()
    while (list.next()) {
      const key = list.type === NFTA_LIST_ELEM ? readKey(list.nested()) : null
      if (key !== null) keys.push(key)
    }
  }
  return keys
}

function readKey(element: AttributeReader): readonly number[] | null {
  while (element.next()) {
    if (element.type !== NFTA_SET_ELEM.KEY) continue
    const key = element.nested()
    while (key.next()) {
      if (key.type !== NFTA_DATA.VALUE) continue
      const bytes = key.copy()
      return Array.from({ length: bytes.length >> 2 }, (_, i) => u32(bytes, WORD_BYTES * i))
    }
  }
  return null
}
