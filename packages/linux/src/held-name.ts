/** A name that one holder at a time can have, and that is free again the moment its holder ends. */
import { setU16le } from '@weft/core'
import { checked } from './errors.ts'
import { inNamespace } from './namespaces.ts'
import { AF, SOCK } from './socket-numbers.ts'
import type { SocketPlace } from './sockets.ts'
import { sys } from './syscalls.ts'

/** Bytes of a name: `sun_path` of 108 less the zero that makes it abstract (linux/un.h). */
export const HELD_NAME_BYTES_MAX = 107

/** Held until closed, or until the process ends, however it ends. */
export interface HeldName extends Disposable {
  /** Let go. Idempotent. */
  close(): void
}

/**
 * Take a name that is known in one network namespace: an abstract address of a Unix socket, which
 * is in no file system and cannot be left behind (unix(7)). Throws ERR_KERNEL: EADDRINUSE when
 * somebody holds it, EINVAL for a name that is too long.
 */
export function holdName(name: string, { namespace }: SocketPlace = {}): HeldName {
  const open = (): number => openHolder(name)
  const fd = namespace === undefined ? open() : inNamespace(namespace, open)
  let held = true
  const close = (): void => {
    if (held) sys.close(fd)
    held = false
  }
  return { close, [Symbol.dispose]: close }
}

function openHolder(name: string): number {
  const bytes = new TextEncoder().encode(name)
  // struct sockaddr_un: family, then a zero and the name; the length says where it ends.
  const address = new Uint8Array(3 + bytes.length)
  setU16le(address, 0, AF.UNIX)
  address.set(bytes, 3)
  const type = SOCK.DGRAM | SOCK.CLOEXEC
  const fd = checked(sys.socket(AF.UNIX, type, 0), 'open unix socket', name)
  try {
    checked(sys.bind(fd, address, address.length), 'hold name', name)
    return fd
  } catch (error) {
    sys.close(fd)
    throw error
  }
}
