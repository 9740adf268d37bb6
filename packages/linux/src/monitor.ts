/** Hearing of changes: notifications of one namespace, received on the poll thread. */
import { setU32le, setU8 } from '@weft/core'
import { unpackDatagrams } from './datagram-batch.ts'
import { errno } from './errno.ts'
import { checked, kernelFault, type KernelFault } from './errors.ts'
import { inNamespace } from './namespaces.ts'
import { readNotices, type Notice } from './notices.ts'
import { watchSocket, type Watch } from './poller.ts'
import { SLOT_BYTES } from './receive-arena.ts'
import { RTNLGRP } from './rtnetlink-numbers.ts'
import { AF, NETLINK, NETLINK_OPTION, SOCK, SOL } from './socket-numbers.ts'
import { growReceiveBuffer, setOption } from './socket-options.ts'
import { sys } from './syscalls.ts'

/** Asked of the kernel for notifications that wait; what does not fit is an overrun. */
export const MONITOR_BUFFER_BYTES = 4 << 20

/** Tables one can listen to. Forwarding entries come with `neighbours`. */
const GROUPS = {
  links: [RTNLGRP.LINK],
  neighbours: [RTNLGRP.NEIGH],
  addresses: [RTNLGRP.IPV4_IFADDR, RTNLGRP.IPV6_IFADDR],
  routes: [RTNLGRP.IPV4_ROUTE, RTNLGRP.IPV6_ROUTE],
  'namespace-ids': [RTNLGRP.NSID],
} as const

/** The name of a table one can listen to. */
export type MonitorTopic = keyof typeof GROUPS

/** Which notifications of which namespace. */
export interface MonitorOptions {
  /** A path or a descriptor; the current namespace when left out. */
  readonly namespace?: string | number
  readonly topics: readonly MonitorTopic[]
}

/** Who hears. Neither function may throw. */
export interface MonitorListener {
  /** Something changed. The notices are decoded when `read` is called, and only then. */
  changed(read: () => Notice[]): void
  /** Notifications were lost: what is known may be stale, dump again. */
  overrun(): void
  /** Receiving failed otherwise. Notifications may go on. */
  failed(fault: KernelFault): void
}

/**
 * Listen from now on: what changes after this call returns is heard, though later. Throws
 * ERR_KERNEL. Any number of monitors share one thread; none keeps the process alive.
 */
export function openMonitor(options: MonitorOptions, listener: MonitorListener): Watch {
  return watchSocket({
    fd: openMonitorFd(options),
    bytesMax: SLOT_BYTES,
    onBatch: (batch) => {
      const read = (): Notice[] => unpackDatagrams(batch).flatMap(({ bytes }) => readNotices(bytes))
      listener.changed(read)
    },
    onFailure: (code) => {
      if (code === errno.ENOBUFS) listener.overrun()
      else listener.failed(kernelFault(code))
    },
  })
}

/** A socket in every group of rtnetlink that these topics need. Throws ERR_KERNEL. */
export function openMonitorFd({ namespace, topics }: MonitorOptions): number {
  const groups = topics.flatMap((topic) => GROUPS[topic])
  const open = (): number => openNotificationFd(NETLINK.ROUTE, groups, topics.join())
  return namespace === undefined ? open() : inNamespace(namespace, open)
}

/**
 * A socket of a netlink family in the current namespace that hears of these groups; `object` names
 * it in errors. Throws ERR_KERNEL.
 */
export function openNotificationFd(
  family: number,
  groups: readonly number[],
  object: string,
): number {
  const type = SOCK.RAW | SOCK.CLOEXEC | SOCK.NONBLOCK
  const fd = checked(sys.socket(AF.NETLINK, type, family), 'open monitor', object)
  try {
    growReceiveBuffer(fd, MONITOR_BUFFER_BYTES)
    const address = new Uint8Array(12)
    setU8(address, 0, AF.NETLINK)
    setU32le(address, 4, 0)
    checked(sys.bind(fd, address, address.length), 'bind monitor', object)
    const membership = { level: SOL.NETLINK, name: NETLINK_OPTION.ADD_MEMBERSHIP }
    for (const group of groups) setOption(fd, membership, group)
    return fd
  } catch (error) {
    sys.close(fd)
    throw error
  }
}
