/** Hearing of IPsec states that end, and of packets that no state is there for. */
import { ipFromBytes, u16le, u8, type Ip } from '@weft/core'
import { MessageReader } from './messages.ts'
import { watchNotices, type NoticeListener } from './notice-watch.ts'
import type { Watch } from './poller.ts'
import { NETLINK } from './socket-numbers.ts'
import type { SocketPlace } from './sockets.ts'
import { SELECTOR, STATE_BYTES, XFRM_MSG, XFRMNLGRP } from './xfrm-numbers.ts'
import { familyOfXfrm } from './xfrm-selector.ts'
import { readXfrmState, type XfrmState } from './xfrm-states.ts'

/** What the kernel tells. */
export type XfrmNotice =
  /** A limit was reached: at a soft one the state goes on, at a hard one it is gone. */
  | { readonly about: 'expiry'; readonly hard: boolean; readonly state: XfrmState }
  /** A packet of a policy had to be thrown away, because no state fits. */
  | { readonly about: 'missing-state'; readonly source: Ip; readonly destination: Ip }

/** Who hears of IPsec. No function may throw. */
export type XfrmListener = NoticeListener<XfrmNotice>

const SOURCE = {
  family: NETLINK.XFRM,
  groups: [XFRMNLGRP.ACQUIRE, XFRMNLGRP.EXPIRE],
  object: 'xfrm',
  read: readXfrmNotices,
}

/** Listen from now on, on the poll thread. Throws ERR_KERNEL. */
export function openXfrmMonitor(place: SocketPlace, listener: XfrmListener): Watch {
  return watchNotices(SOURCE, place, listener)
}

/** All notices in received bytes; what is malformed or of another kind is passed over. */
export function readXfrmNotices(bytes: Uint8Array): XfrmNotice[] {
  const notices: XfrmNotice[] = []
  const message = new MessageReader(bytes, 0, bytes.length)
  while (message.next()) {
    const notice = message.type === XFRM_MSG.EXPIRE ? readExpiry(message) : readAcquire(message)
    if (notice !== null) notices.push(notice)
  }
  return notices
}

function readExpiry(message: MessageReader): XfrmNotice | null {
  if (message.length < STATE_BYTES + 1) return null
  const state = readXfrmState(message)
  const hard = u8(message.bytes, message.from + STATE_BYTES) !== 0
  return state === null ? null : { about: 'expiry', hard, state }
}

/** `struct xfrm_user_acquire`: the destination of the state that lacks, 24 bytes on its source. */
function readAcquire(message: MessageReader): XfrmNotice | null {
  const { bytes, from } = message
  const selector = from + 40
  if (message.type !== XFRM_MSG.ACQUIRE || message.length < 40 + 56) return null
  const family = familyOfXfrm(u16le(bytes, selector + SELECTOR.FAMILY))
  if (family === null) return null
  return {
    about: 'missing-state',
    source: ipFromBytes(bytes, from + 24, family),
    destination: ipFromBytes(bytes, from, family),
  }
}
