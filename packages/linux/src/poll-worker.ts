/** The thread that waits: blocked in poll() on all watched sockets and an eventfd to wake it. */
import { receiveMessageOnPort, workerData } from 'node:worker_threads'
import { packDatagrams, type DatagramSource } from './datagram-batch.ts'
import { errno } from './errno.ts'
import type { PollCommand, PollReport, PollWorkerInput } from './poll-protocol.ts'
import { creditOf, FAILURES_MAX, IDLE_MS, OUTSTANDING, PAUSED, STOP } from './poll-protocol.ts'
import { PacketRing } from './packet-ring.ts'
import { ReceiveArena } from './receive-arena.ts'
import { POLL, SO, SOL } from './socket-numbers.ts'
import { getOption } from './socket-options.ts'
import { sys } from './syscalls.ts'

/** Batches one flush takes: more than fit any buffer, so only a live torrent meets the end. */
const FLUSH_BATCHES = 4096

interface Watched {
  readonly id: number
  readonly fd: number
  readonly bytesMax: number
  readonly outstandingMax: number
  readonly credit: Int32Array
  readonly source: DatagramSource
  failures: number
}

const input = workerData as PollWorkerInput
const control = new Int32Array(input.control)
const watched = new Map<number, Watched>()
const arena = new ReceiveArena()
const wakeBytes = new Uint8Array(8)

while (Atomics.load(control, STOP) === 0) turn()
for (const { fd } of watched.values()) sys.close(fd)

/** Wait once, then serve each socket that is ready one batch, so that none starves another. */
function turn(): void {
  const ready = [...watched.values()].filter(hasCredit)
  const entries = new Int32Array(2 * (ready.length + 1))
  const view = new Uint16Array(entries.buffer)
  const fds = [input.wakeFd, ...ready.map(({ fd }) => fd)]
  fds.forEach((fd, i) => {
    entries[2 * i] = fd
    view[4 * i + 2] = POLL.IN
  })
  if (sys.poll(entries, fds.length, IDLE_MS) <= 0) return
  // Sockets first, commands after: a socket that is being closed still delivers what it has.
  ready.forEach((socket, i) => {
    if (view[4 * (i + 1) + 3] !== 0) serve(socket)
  })
  if (view[3] !== 0) obey()
}

/** Whether the main thread keeps up with this socket; if not, the kernel's buffer is the queue. */
function hasCredit({ credit, outstandingMax }: Watched): boolean {
  if (Atomics.load(credit, OUTSTANDING) <= outstandingMax) return true
  Atomics.store(credit, PAUSED, 1)
  // The main thread may have caught up before it could see the flag.
  return Atomics.load(credit, OUTSTANDING) <= outstandingMax
}

/** Take one batch; false when nothing was there. */
function serve(socket: Watched): boolean {
  const datagrams = socket.source.take()
  if (typeof datagrams === 'number') {
    const nothing = datagrams === -errno.EAGAIN || datagrams === -errno.EINTR
    if (!nothing) fail(socket, -datagrams)
    // After an overflow the rest still waits; a socket let go has nothing more.
    return !nothing && watched.has(socket.id)
  }
  // A ring reports errors of its socket to poll only; receiving takes them off.
  if (datagrams.length === 0) return clearError(socket)
  socket.failures = 0
  const batch = packDatagrams(datagrams, socket.bytesMax)
  socket.source.release()
  Atomics.add(socket.credit, OUTSTANDING, batch.byteLength)
  report({ kind: 'batch', id: socket.id, batch }, [batch.buffer as ArrayBuffer])
  return true
}

function clearError(socket: Watched): boolean {
  const code = getOption(socket.fd, { level: SOL.SOCKET, name: SO.ERROR })
  if (code !== 0) fail(socket, code)
  return false
}

function fail(socket: Watched, code: number): void {
  report({ kind: 'failure', id: socket.id, code })
  if (++socket.failures < FAILURES_MAX) return
  socket.source.close()
  watched.delete(socket.id)
}

function obey(): void {
  sys.read(input.wakeFd, wakeBytes, wakeBytes.length)
  for (;;) {
    const received = receiveMessageOnPort(input.port) as { message: PollCommand } | undefined
    if (received === undefined) return
    carryOut(received.message)
  }
}

function carryOut(command: PollCommand): void {
  const { id } = command
  if (command.kind === 'watch') {
    const { bytesMax, fd, outstandingMax, ring } = command
    const credit = creditOf(command.credit)
    const source = ring === null ? arena.sourceOf(fd) : new PacketRing(fd, ring)
    watched.set(id, { id, fd, bytesMax, outstandingMax, credit, source, failures: 0 })
  } else if (command.kind === 'flush') {
    const socket = watched.get(id)
    // Whatever the credit: the asker waits for all of it. Bounded by the kernel's buffer, but a
    // fast enough sender must not hold the thread for ever.
    for (let i = 0; i < FLUSH_BATCHES && socket !== undefined && serve(socket); i++);
    report({ kind: 'flushed', id, ticket: command.ticket })
  } else {
    watched.get(id)?.source.close()
    watched.delete(id)
    sys.close(command.fd)
    report({ kind: 'closed', id })
  }
}

function report(message: PollReport, transfer: ArrayBuffer[] = []): void {
  input.port.postMessage(message, transfer)
}
