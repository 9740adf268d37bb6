/** Hearing of tables, chains and rules that come and go, whoever is at work on them. */
import { MessageReader } from './messages.ts'
import { NFNL_SUBSYS_NFTABLES, NFNLGRP_NFTABLES, NFT_MSG } from './nft-numbers.ts'
import type { TableRef } from './nft-message.ts'
import { readTableRef } from './nft-tables.ts'
import { watchNotices, type NoticeListener } from './notice-watch.ts'
import type { Watch } from './poller.ts'
import { NETLINK } from './socket-numbers.ts'
import type { SocketPlace } from './sockets.ts'

/** Something of a table has been made or changed (`gone` false), or removed. */
export interface NftNotice {
  readonly about: 'table' | 'chain' | 'rule'
  readonly gone: boolean
  /** The table itself, or the one that it is in. */
  readonly table: TableRef
}

/** What each message is about; replacing a table is told as its removal, and then its making. */
const SUBJECTS: ReadonlyMap<number, Pick<NftNotice, 'about' | 'gone'>> = new Map([
  [NFT_MSG.NEWTABLE, { about: 'table', gone: false }],
  [NFT_MSG.DELTABLE, { about: 'table', gone: true }],
  [NFT_MSG.NEWCHAIN, { about: 'chain', gone: false }],
  [NFT_MSG.DELCHAIN, { about: 'chain', gone: true }],
  [NFT_MSG.NEWRULE, { about: 'rule', gone: false }],
  [NFT_MSG.DELRULE, { about: 'rule', gone: true }],
])

const SOURCE = {
  family: NETLINK.NETFILTER,
  groups: [NFNLGRP_NFTABLES],
  object: 'nftables',
  read: readNftNotices,
}

/**
 * Listen to nftables of a namespace from now on, on the poll thread. Throws ERR_KERNEL:
 * EPROTONOSUPPORT on a kernel without it. Our own changes are told too.
 */
export function openNftMonitor(place: SocketPlace, listener: NoticeListener<NftNotice>): Watch {
  return watchNotices(SOURCE, place, listener)
}

/** All notices in received bytes; what is malformed, or of sets and generations, is passed over. */
export function readNftNotices(bytes: Uint8Array): NftNotice[] {
  const notices: NftNotice[] = []
  const message = new MessageReader(bytes, 0, bytes.length)
  while (message.next()) {
    const notice = readNftNotice(message)
    if (notice !== null) notices.push(notice)
  }
  return notices
}

function readNftNotice(message: MessageReader): NftNotice | null {
  if (message.type >> 8 !== NFNL_SUBSYS_NFTABLES) return null
  const subject = SUBJECTS.get(message.type & 0xff)
  const table = subject === undefined ? null : readTableRef(message)
  return subject === undefined || table === null ? null : { ...subject, table }
}
