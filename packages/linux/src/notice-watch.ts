/** Hearing of what one netlink family tells of its own accord, on the poll thread. */
import { unpackDatagrams } from './datagram-batch.ts'
import { errno } from './errno.ts'
import { kernelFault, type KernelFault } from './errors.ts'
import { openNotificationFd } from './monitor.ts'
import { inNamespace } from './namespaces.ts'
import { watchSocket, type Watch } from './poller.ts'
import { SLOT_BYTES } from './receive-arena.ts'
import type { SocketPlace } from './sockets.ts'

/** Who hears. No function may throw. */
export interface NoticeListener<Notice> {
  /** In the order in which the kernel told; never none. */
  told(notices: Notice[]): void
  /** Notices were lost: what is known may be stale. */
  overrun(): void
  /** Receiving failed otherwise. */
  failed(fault: KernelFault): void
}

/** Where notices come from, and how they are read. */
export interface NoticeSource<Notice> {
  /** NETLINK_…, and groups of it. */
  readonly family: number
  readonly groups: readonly number[]
  /** What errors call it. */
  readonly object: string
  /** All notices in received bytes. Total: what is malformed is passed over. */
  read(bytes: Uint8Array): Notice[]
}

/** Listen from now on, in that namespace or the current one. Throws ERR_KERNEL. */
export function watchNotices<Notice>(
  source: NoticeSource<Notice>,
  { namespace }: SocketPlace,
  listener: NoticeListener<Notice>,
): Watch {
  const open = (): number => openNotificationFd(source.family, source.groups, source.object)
  return watchSocket({
    fd: namespace === undefined ? open() : inNamespace(namespace, open),
    bytesMax: SLOT_BYTES,
    onBatch: (batch) => {
      const notices = unpackDatagrams(batch).flatMap(({ bytes }) => source.read(bytes))
      if (notices.length > 0) listener.told(notices)
    },
    onFailure: (code) => {
      if (code === errno.ENOBUFS) listener.overrun()
      else listener.failed(kernelFault(code))
    },
  })
}
