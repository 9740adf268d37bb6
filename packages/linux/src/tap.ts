/** TAP devices: a link whose other end is a descriptor of this process. */
import { assert, u16le, u32le } from '@weft/core'
import { errno } from './errno.ts'
import { checked, isKernelError } from './errors.ts'
import { Kernel } from './kernel.ts'
import type { LinkChange } from './link-writer.ts'
import { inNamespace } from './namespaces.ts'
import { O } from './socket-numbers.ts'
import type { SocketPlace } from './sockets.ts'
import { sys } from './syscalls.ts'
import { VNET_HEADER_BYTES } from './vnet-header.ts'

/** Where the kernel hands out TAPs. */
export const TUN_DEVICE = '/dev/net/tun'

/** Work the kernel leaves to us, which is what makes large frames possible (TUNSETOFFLOAD). */
export type TapOffload = 'checksum' | 'tcp4' | 'tcp6' | 'udp'

/**
 * In the order of asking: nothing works without unfinished checksums. UDP is one bit for each
 * family, and only both together count (Linux 6.2, set_offload in drivers/net/tun.c).
 */
const OFFLOAD_BITS: { readonly [offload in TapOffload]: number } = {
  checksum: 0x01,
  tcp4: 0x02,
  tcp6: 0x04,
  udp: 0x60,
}

/** All of them. */
export const TAP_OFFLOADS: readonly TapOffload[] = ['checksum', 'tcp4', 'tcp6', 'udp']

/** linux/if_tun.h, asm-generic/ioctl.h. */
const TUNSETIFF = 0x4004_54ca
const TUNGETFEATURES = 0x8004_54cf
const TUNSETOFFLOAD = 0x4004_54d0
const TUNSETVNETHDRSZ = 0x4004_54d8
const IFF_TAP = 0x0002
const IFF_NO_PI = 0x1000
const IFF_VNET_HDR = 0x4000
const IFF_TUN_EXCL = 0x8000

/** `struct ifreq` (linux/if.h): a name of 16 bytes, then the flags. */
const IFREQ_BYTES = 40
const IFREQ_FLAGS = 16
const IFNAMSIZ = 16

/** What to open. */
export interface TapOptions extends SocketPlace {
  /** At most 15 bytes. */
  readonly name: string
  /** What to ask for; what this kernel lacks is left out of what is granted. */
  readonly offloads: readonly TapOffload[]
  /** Said of the device before it is handed out; `up` comes last. */
  readonly link?: LinkChange
}

/** An open TAP. The device goes when the descriptor is closed, however that happens. */
export interface Tap extends Disposable {
  /** Non-blocking. A read gives one frame behind its virtio-net header, a write takes one. */
  readonly fd: number
  /** Index of the device in the namespace it was opened in. */
  readonly index: number
  readonly name: string
  /** What the kernel may leave to us. */
  readonly offloads: readonly TapOffload[]
  /** Idempotent. */
  close(): void
}

/**
 * Make a TAP. Never takes over a device that is there, and never leaves one behind. Throws
 * ERR_KERNEL; `tapProblem` sorts its usual reasons. The descriptor keeps the namespace alive that
 * it was opened in, also after the device moved on.
 */
export function openTap(options: TapOptions): Tap {
  const { name, namespace } = options
  const inside = (): Opened => openInside(options)
  const { fd, index, offloads } =
    namespace === undefined ? inside() : inNamespace(namespace, inside)
  let open = true
  const close = (): void => {
    if (open) sys.close(fd)
    open = false
  }
  return { fd, index, name, offloads, close, [Symbol.dispose]: close }
}

/** Why a TAP could not be had, as far as somebody can do something about it. */
export type TapProblem = 'no-device' | 'no-permission' | 'name-taken'

/** The usual reasons of `openTap`'s errors; null for any other error. */
export function tapProblem(error: unknown): TapProblem | null {
  if (!isKernelError(error)) return null
  const { errno: reason, operation } = error.details
  if (reason === 'EACCES' || reason === 'EPERM') return 'no-permission'
  if (operation === OPEN && MISSING.includes(reason)) return 'no-device'
  if (operation === CREATE && reason === 'EBUSY') return 'name-taken'
  return null
}

const OPEN = 'open tap device'
const CREATE = 'create tap'

/** No such file; a file, and no driver behind it. */
const MISSING: readonly string[] = ['ENOENT', 'ENODEV', 'ENXIO']

interface Opened {
  readonly fd: number
  readonly index: number
  readonly offloads: TapOffload[]
}

/** A TAP belongs to the namespace in which its descriptor was opened (tun_chr_open). */
function openInside({ link, name, offloads }: TapOptions): Opened {
  const flags = O.RDWR | O.NONBLOCK | O.CLOEXEC
  const fd = checked(sys.open(TUN_DEVICE, flags, 0), OPEN, TUN_DEVICE)
  try {
    requireVnetHeader(fd)
    checked(sys.ioctl(fd, TUNSETIFF, interfaceRequest(name)), CREATE, name)
    const bytes = Int32Array.of(VNET_HEADER_BYTES)
    checked(sys.ioctl(fd, TUNSETVNETHDRSZ, bytes), 'set header size of tap', name)
    const granted = setOffloads(fd, offloads)
    return { fd, index: describe(name, link), offloads: granted }
  } catch (error) {
    sys.close(fd)
    throw error
  }
}

/** Kernels have had it since 2.6.27; what only imitates one may not. */
function requireVnetHeader(fd: number): void {
  const features = new Uint8Array(4)
  checked(sys.ioctl(fd, TUNGETFEATURES, features), 'ask for features of taps', TUN_DEVICE)
  const missing = (u32le(features, 0) & IFF_VNET_HDR) === 0
  checked(missing ? -errno.EOPNOTSUPP : 0, 'ask for virtio-net headers of taps', TUN_DEVICE)
}

function interfaceRequest(name: string): Uint8Array {
  const request = new Uint8Array(IFREQ_BYTES)
  const { written } = new TextEncoder().encodeInto(name, request.subarray(0, IFNAMSIZ))
  assert(written > 0 && written < IFNAMSIZ, 'a link name has 1 to 15 bytes')
  assert(!name.includes('%'), 'the kernel would count a name with % up')
  const flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_TUN_EXCL
  request[IFREQ_FLAGS] = flags & 0xff
  request[IFREQ_FLAGS + 1] = flags >> 8
  assert(u16le(request, IFREQ_FLAGS) === flags, 'flags of an ifreq have 16 bits')
  return request
}

/** One refused bit refuses all, so they are added one by one. */
function setOffloads(fd: number, wanted: readonly TapOffload[]): TapOffload[] {
  const granted: TapOffload[] = []
  let bits = 0
  for (const offload of TAP_OFFLOADS) {
    if (!wanted.includes(offload)) continue
    const more = bits | OFFLOAD_BITS[offload]
    if (sys.ioctlNumber(fd, TUNSETOFFLOAD, more) < 0) continue
    bits = more
    granted.push(offload)
  }
  return granted
}

function describe(name: string, link: LinkChange | undefined): number {
  using kernel = Kernel.open()
  const { index } = kernel.links.require(name)
  if (link !== undefined) {
    const { up, ...first } = link
    if (Object.keys(first).length > 0) kernel.links.change(index, first)
    if (up !== undefined) kernel.links.change(index, { up })
  }
  return index
}
