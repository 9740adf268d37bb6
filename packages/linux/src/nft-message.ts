/** The head that all messages of nftables have, and which table they are about. */
import type { MessageWriter } from './message-writer.ts'
import { NFGENMSG_BYTES, NFNL_SUBSYS_NFTABLES, NFPROTO } from './nft-numbers.ts'

/** Which packets a table sees. */
export type TableFamily = keyof typeof NFPROTO

/** A table by family and name. */
export interface TableRef {
  readonly family: TableFamily
  readonly name: string
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
