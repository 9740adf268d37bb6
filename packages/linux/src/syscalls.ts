/**
 * System calls through FFI, in one module, so that `node:ffi` can take koffi's place. A call
 * answers like the kernel itself: a result from 0 up, or a negative error number.
 */
import { assert } from '@weft/core'
import koffi from 'koffi'

const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1
assert(littleEndian, 'this code knows little-endian Linux only')

const lib = koffi.load(null)

/** The C library's `errno` of this thread. */
const lastError: () => number = koffi.errno

/**
 * `ssize_t` is not a type koffi knows; `long` is the same on 64-bit Linux. The error number is
 * asked for before anything else, wanted or not: at a branch that was not taken before V8 may
 * recompile, wait for other threads and overwrite it.
 */
function call(prototype: string): (...args: unknown[]) => number {
  const f = lib.func(prototype) as (...args: unknown[]) => number
  return (...args) => {
    const result = f(...args)
    const code = lastError()
    return result < 0 ? -code : result
  }
}

const cSend = lib.func('long send(int fd, const void *bytes, size_t length, int flags)')
const cRecv = lib.func('long recv(int fd, void *bytes, size_t length, int flags)')
const cRead = lib.func('long read(int fd, uintptr_t address, size_t n)')
const cWrite = lib.func('long write(int fd, uintptr_t address, size_t n)')
const cRecvmmsg = lib.func(
  'int recvmmsg(int fd, uintptr_t vector, uint32 n, int flags, void *timeout)',
)
const cSendmmsg = lib.func('int sendmmsg(int fd, uintptr_t vector, uint32 n, int flags)')
const cPoll = lib.func('int poll(uintptr_t entries, ulong count, int timeoutMs)')
const cMmap = lib.func(
  'void *mmap(void *address, size_t length, int protection, int flags, int fd, long offset)',
)
const cMunmap = lib.func('int munmap(uintptr_t address, size_t length)')
const cStrerror = lib.func('const char *strerror(int number)')

/** Bytes handed to the kernel for the length of one call. */
type Bytes = Uint8Array | Int32Array | BigUint64Array

/** Calls with fixed arguments; see each one's manual page in section 2. */
export const sys = {
  socket: call('int socket(int domain, int type, int protocol)') as (
    domain: number,
    type: number,
    protocol: number,
  ) => number,
  bind: call('int bind(int fd, const void *address, uint32 length)') as (
    fd: number,
    address: Bytes,
    length: number,
  ) => number,
  connect: call('int connect(int fd, const void *address, uint32 length)') as (
    fd: number,
    address: Bytes,
    length: number,
  ) => number,
  listen: call('int listen(int fd, int backlog)') as (fd: number, backlog: number) => number,
  accept4: call('int accept4(int fd, void *address, void *length, int flags)') as (
    fd: number,
    address: Bytes | null,
    length: Bytes | null,
    flags: number,
  ) => number,
  sendto: call(
    'long sendto(int fd, const void *bytes, size_t n, int flags, const void *to, uint32 toLength)',
  ) as (
    fd: number,
    bytes: Bytes,
    length: number,
    flags: number,
    to: Bytes | null,
    toLength: number,
  ) => number,
  recvfrom: call(
    'long recvfrom(int fd, void *bytes, size_t n, int flags, void *from, void *fromLength)',
  ) as (
    fd: number,
    bytes: Bytes,
    length: number,
    flags: number,
    from: Bytes | null,
    fromLength: Bytes | null,
  ) => number,
  /** The vector holds addresses: whatever it points to must be pinned by the caller. */
  sendmsg: call('long sendmsg(int fd, const void *header, int flags)') as (
    fd: number,
    header: Bytes,
    flags: number,
  ) => number,
  /** The vector holds addresses: whatever it points to must be pinned by the caller. */
  recvmmsg: call('int recvmmsg(int fd, void *vector, uint32 n, int flags, void *timeout)') as (
    fd: number,
    vector: Bytes,
    count: number,
    flags: number,
    timeout: null,
  ) => number,
  setsockopt: call(
    'int setsockopt(int fd, int level, int name, const void *value, uint32 length)',
  ) as (fd: number, level: number, name: number, value: Bytes, length: number) => number,
  getsockopt: call('int getsockopt(int fd, int level, int name, void *value, void *length)') as (
    fd: number,
    level: number,
    name: number,
    value: Bytes,
    length: Int32Array,
  ) => number,
  getsockname: call('int getsockname(int fd, void *address, void *length)') as (
    fd: number,
    address: Bytes,
    length: Int32Array,
  ) => number,
  open: call('int open(const char *path, int flags, uint32 mode)') as (
    path: string,
    flags: number,
    mode: number,
  ) => number,
  close: call('int close(int fd)') as (fd: number) => number,
  setns: call('int setns(int fd, int type)') as (fd: number, type: number) => number,
  unshare: call('int unshare(int flags)') as (flags: number) => number,
  mount: call(
    'int mount(const char *source, const char *target, const char *type, ulong flags, void *data)',
  ) as (
    source: string,
    target: string,
    type: string | null,
    flags: number,
    data: null,
  ) => number,
  umount2: call('int umount2(const char *target, int flags)') as (
    target: string,
    flags: number,
  ) => number,
  poll: call('int poll(void *entries, ulong count, int timeoutMs)') as (
    entries: Bytes,
    count: number,
    timeoutMs: number,
  ) => number,
  eventfd: call('int eventfd(uint32 initial, int flags)') as (
    initial: number,
    flags: number,
  ) => number,
  read: call('long read(int fd, void *bytes, size_t n)') as (
    fd: number,
    bytes: Bytes,
    length: number,
  ) => number,
  write: call('long write(int fd, const void *bytes, size_t n)') as (
    fd: number,
    bytes: Bytes,
    length: number,
  ) => number,
  fcntl: call('int fcntl(int fd, int command, long argument)') as (
    fd: number,
    command: number,
    argument: number,
  ) => number,
  ioctl: call('int ioctl(int fd, ulong request, void *argument)') as (
    fd: number,
    request: number,
    argument: Bytes,
  ) => number,
  /** For requests whose argument is a number and not where one lies. */
  ioctlNumber: call('int ioctl(int fd, ulong request, ulong argument)') as (
    fd: number,
    request: number,
    argument: number,
  ) => number,
} as const

/** Send on a connected socket, without the rest arguments of `sys`: netlink's hot path. */
export function send(fd: number, bytes: Uint8Array, flags: number): number {
  const sent = cSend(fd, bytes, bytes.length, flags) as number
  const code = lastError()
  return sent < 0 ? -code : sent
}

/** Receive on a connected socket; the result exceeds the buffer when MSG_TRUNC asks for it. */
export function receive(fd: number, bytes: Uint8Array, flags: number): number {
  const got = cRecv(fd, bytes, bytes.length, flags) as number
  const code = lastError()
  return got < 0 ? -code : got
}

/**
 * Calls of packet loops, by addresses in pinned memory: half as long as with a typed array, which
 * has to be looked into at each call. The result, or a negative error number; that is only asked
 * for when there is one, as these calls are often told that there is nothing.
 */
export const pinned = {
  read(fd: number, address: number, length: number): number {
    const result = cRead(fd, address, length) as number
    return result < 0 ? -lastError() : result
  },
  write(fd: number, address: number, length: number): number {
    const result = cWrite(fd, address, length) as number
    return result < 0 ? -lastError() : result
  },
  recvmmsg(fd: number, vector: number, count: number, flags: number): number {
    const result = cRecvmmsg(fd, vector, count, flags, null) as number
    return result < 0 ? -lastError() : result
  },
  sendmmsg(fd: number, vector: number, count: number, flags: number): number {
    const result = cSendmmsg(fd, vector, count, flags) as number
    return result < 0 ? -lastError() : result
  },
  poll(entries: number, count: number, timeoutMs: number): number {
    const result = cPoll(entries, count, timeoutMs) as number
    return result < 0 ? -lastError() : result
  },
} as const

/** The C library's text for an error number. */
export function strerror(number: number): string {
  return cStrerror(number) as string
}

/**
 * Where these bytes lie in memory. The address stays good only while the caller keeps a reference
 * to the buffer, and FFI keeps none.
 */
export function addressOfBytes(bytes: Bytes): bigint {
  return koffi.address(bytes)
}

/** PROT_READ | PROT_WRITE and MAP_SHARED (asm-generic/mman-common.h, linux/mman.h). */
const PROT_READ_WRITE = 3
const MAP_SHARED = 1

/** MAP_FAILED: all bits set. */
const MAP_FAILED = 2n ** 64n - 1n

/**
 * Memory shared with the kernel behind a descriptor; null when it gives none. Unmap it when
 * nothing refers to the buffer any more: reading it afterwards is a crash.
 */
export function mapMemory(
  fd: number,
  length: number,
): { readonly address: bigint; readonly memory: ArrayBuffer } | null {
  const pointer: unknown = cMmap(null, length, PROT_READ_WRITE, MAP_SHARED, fd, 0)
  const address = koffi.address(pointer)
  if (address === MAP_FAILED) return null
  return { address, memory: koffi.view(pointer, length) }
}

/** Give back what `mapMemory` gave. */
export function unmapMemory(address: bigint, length: number): void {
  cMunmap(address, length)
}
