/** Setting and reading socket options. */
import type { IpFamily } from '@weft/core'
import { checked } from './errors.ts'
import { SO, SOL } from './socket-numbers.ts'
import { sys } from './syscalls.ts'

/** One option of a socket, by level and name. */
export interface SocketOption {
  readonly level: number
  readonly name: number
}

/** Set an option of type int. Throws ERR_KERNEL. */
export function setOption(fd: number, option: SocketOption, value: number): void {
  checked(trySetOption(fd, option, value), 'set socket option', describe(option))
}

/** Set an option of type int; returns 0 or a negative error number. */
export function trySetOption(fd: number, { level, name }: SocketOption, value: number): number {
  return sys.setsockopt(fd, level, name, Int32Array.of(value), 4)
}

/** Read an option of type int. Throws ERR_KERNEL. */
export function getOption(fd: number, option: SocketOption): number {
  const value = new Int32Array(1)
  const result = sys.getsockopt(fd, option.level, option.name, value, Int32Array.of(4))
  checked(result, 'get socket option', describe(option))
  return value[0] as number
}

/**
 * Ask for a receive buffer. Beyond the system's limit only privilege over the host helps, which a
 * user namespace has not: then the limit is what there is. Returns what the kernel accounts with.
 */
export function growReceiveBuffer(fd: number, bytes: number): number {
  const level = SOL.SOCKET
  const forced = trySetOption(fd, { level, name: SO.RCVBUFFORCE }, bytes)
  if (forced < 0) trySetOption(fd, { level, name: SO.RCVBUF }, bytes)
  return getOption(fd, { level, name: SO.RCVBUF })
}

/** Ask for a send buffer, like `growReceiveBuffer`. */
export function growSendBuffer(fd: number, bytes: number): number {
  const level = SOL.SOCKET
  const forced = trySetOption(fd, { level, name: SO.SNDBUFFORCE }, bytes)
  if (forced < 0) trySetOption(fd, { level, name: SO.SNDBUF }, bytes)
  return getOption(fd, { level, name: SO.SNDBUF })
}

/** Path MTU options and their values: ignore what is known, or send nothing larger (linux/in.h). */
const IP_MTU_DISCOVER = 10
const IPV6_MTU_DISCOVER = 23
const IPV6_DONTFRAG = 62
const PMTUDISC_DONT = 0
const PMTUDISC_DO = 2

/**
 * Whether what does not fit the path is refused with EMSGSIZE (DF is set), or fragmented here and
 * on the way. Throws ERR_KERNEL.
 */
export function setFragmentation(fd: number, family: IpFamily, dontFragment: boolean): void {
  const discovery = dontFragment ? PMTUDISC_DO : PMTUDISC_DONT
  if (family === 4) return setOption(fd, { level: SOL.IP, name: IP_MTU_DISCOVER }, discovery)
  setOption(fd, { level: SOL.IPV6, name: IPV6_MTU_DISCOVER }, discovery)
  setOption(fd, { level: SOL.IPV6, name: IPV6_DONTFRAG }, dontFragment ? 1 : 0)
}

function describe({ level, name }: SocketOption): string {
  return `level ${level} name ${name}`
}
