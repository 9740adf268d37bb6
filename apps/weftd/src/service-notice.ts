/** Tells the service manager that the daemon is ready (sd_notify(3)): one datagram. */
import { setU16le } from '@weft/core'

/** `AF_UNIX` and `SOCK_DGRAM | SOCK_CLOEXEC` (unix(7)). */
const UNIX = { family: 1, datagram: 2 | 0o2000000 } as const

/**
 * Say `READY=1` to `address`, the value of NOTIFY_SOCKET: a path, or `@` and an abstract name.
 * Resolves with false when nobody is there to hear it.
 */
export async function tellReady(address: string): Promise<boolean> {
  // Loads the foreign-function library, which a daemon without a kernel dataplane does not need.
  const { sys } = await import('@weft/linux')
  const fd = sys.socket(UNIX.family, UNIX.datagram, 0)
  if (fd < 0) return false
  const to = unixAddress(address)
  const message = new TextEncoder().encode('READY=1\n')
  const sent = sys.sendto(fd, message, message.length, 0, to, to.length)
  sys.close(fd)
  return sent === message.length
}

/** struct sockaddr_un: the family, then the path; an abstract name begins with a zero. */
function unixAddress(address: string): Uint8Array {
  const path = new TextEncoder().encode(address)
  const bytes = new Uint8Array(2 + path.length)
  setU16le(bytes, 0, UNIX.family)
  bytes.set(path, 2)
  if (address.startsWith('@')) bytes[2] = 0
  return bytes
}
