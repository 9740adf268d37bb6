/** Which table a message of nftables is about. */
import { u8 } from '@weft/core'
import type { MessageReader } from './messages.ts'
import { NFGENMSG_BYTES, NFPROTO, NFTA_TABLE } from './nft-numbers.ts'
import type { TableFamily, TableRef } from './nft-message.ts'

/**
 * The table of a message about a table, a chain or a rule: its name has the same number among the
 * attributes of all three. Null for one without it, or of a family this code does not know.
 */
export function readTableRef(message: MessageReader): TableRef | null {
  if (message.length < NFGENMSG_BYTES) return null
  const number = u8(message.bytes, message.from)
  const family = (Object.keys(NFPROTO) as TableFamily[]).find((name) => NFPROTO[name] === number)
  const attributes = message.attributes(NFGENMSG_BYTES)
  while (attributes.next()) {
    if (attributes.type === NFTA_TABLE.NAME && family !== undefined) {
      return { family, name: attributes.text() }
    }
  }
  return null
}
