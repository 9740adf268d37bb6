/** A netlink socket for requests: batches with an outcome per message, and dumps that survive. */
import { assert } from '@weft/core'
import { errno } from './errno.ts'
import {
  checked,
  kernelError,
  kernelFault,
  type Attempt,
  type KernelFault,
} from './errors.ts'
import type { MessageWriter } from './message-writer.ts'
import { faultOf, MessageReader } from './messages.ts'
import { NLM_F, NLMSG } from './netlink-numbers.ts'
import { AF, MSG, NETLINK_OPTION, SOCK, SOL } from './socket-numbers.ts'
import { growReceiveBuffer, growSendBuffer, setOption, trySetOption } from './socket-options.ts'
import { receive, send, sys } from './syscalls.ts'

/** Asked of the kernel for sending; a batch goes out in pieces of half of what it grants. */
export const NETLINK_SEND_BUFFER_BYTES = 1 << 20

/** Asked of the kernel for answers; decides how many messages go into one send. */
export const NETLINK_RECEIVE_BUFFER_BYTES = 4 << 20

/**
 * What one refusal can occupy of the receive buffer: its data, rounded up to a slab of 1,024 bytes,
 * and `struct sk_buff`. So many messages are sent at once that all could be refused.
 */
export const REFUSAL_BYTES_MAX = 1536

/** A dump is begun this many times before a table that never holds still is given up. */
export const DUMP_ATTEMPTS_MAX = 16

/** The kernel fills at most 32 KiB for a dump; larger single messages make the buffer grow. */
const RECEIVE_BYTES = 64 << 10

/** What to ask the kernel for; without privilege over the host it may grant less. */
export interface NetlinkBuffers {
  readonly sendBytes: number
  readonly receiveBytes: number
}

const BUFFERS: NetlinkBuffers = {
  sendBytes: NETLINK_SEND_BUFFER_BYTES,
  receiveBytes: NETLINK_RECEIVE_BUFFER_BYTES,
}

/** What became of a batch. */
export interface BatchOutcome {
  /** How many messages the kernel was given. */
  readonly count: number
  /** The refused ones, by their index in the batch; all others were carried out. */
  readonly faults: ReadonlyMap<number, KernelFault>
}

/** How a batch is to be sent. */
export interface TransactOptions {
  /** In one send whatever its size, as nftables demands for its transactions. */
  readonly whole?: boolean
  /** In a whole batch, the message that asks for acknowledgement; the last when left out. */
  readonly acknowledged?: number
  /** Called for each message that is an answer and not an acknowledgement. */
  readonly onAnswer?: (message: MessageReader, index: number) => void
}

/**
 * One connected netlink socket, used synchronously. Invariant: between calls no answer is pending,
 * or it has a sequence number that no later request will use.
 */
export class NetlinkSocket implements Disposable {
  readonly fd: number
  readonly #messagesMax: number
  readonly #bytesMax: number
  #buffer = new Uint8Array(RECEIVE_BYTES)
  #sequence = 1
  #closed = false

  /** Take over a connected netlink socket; `open` makes one. */
  constructor(fd: number, buffers: NetlinkBuffers = BUFFERS) {
    this.fd = fd
    this.#bytesMax = growSendBuffer(fd, buffers.sendBytes) >> 1
    const room = growReceiveBuffer(fd, buffers.receiveBytes)
    this.#messagesMax = Math.max(1, Math.floor(room / REFUSAL_BYTES_MAX))
  }

  /**
   * Open a socket of a netlink family (NETLINK.ROUTE, …) in the current namespace. It stays in
   * that namespace wherever the thread goes. Throws ERR_KERNEL.
   */
  static open(family: number, buffers?: NetlinkBuffers): NetlinkSocket {
    const fd = openNetlinkFd(family)
    try {
      setOption(fd, { level: SOL.NETLINK, name: NETLINK_OPTION.EXT_ACK }, 1)
      setOption(fd, { level: SOL.NETLINK, name: NETLINK_OPTION.CAP_ACK }, 1)
      // Since Linux 4.20. Without it filters are ignored, and readers filter for themselves.
      trySetOption(fd, { level: SOL.NETLINK, name: NETLINK_OPTION.GET_STRICT_CHK }, 1)
      return new NetlinkSocket(fd, buffers)
    } catch (error) {
      sys.close(fd)
      throw error
    }
  }

  /**
   * Send a batch and learn what became of each message. The kernel carries messages out in order
   * and goes on after a refused one. Throws ERR_KERNEL only when the batch could not be handed
   * over or its answers were lost.
   */
  transact(batch: MessageWriter, options: TransactOptions = {}): BatchOutcome {
    batch.finish()
    const faults = new Map<number, KernelFault>()
    let from = 0
    while (from < batch.count) {
      const to = options.whole === true ? batch.count : this.#chunkEnd(batch, from)
      const acknowledged = options.acknowledged ?? to - 1
      const { onAnswer, whole = false } = options
      this.#exchange({ batch, from, to, acknowledged, whole, faults, onAnswer })
      from = to
    }
    return { count: batch.count, faults }
  }

  /** `transact`, where the first refusal is thrown as ERR_KERNEL of this attempt. */
  carryOut(batch: MessageWriter, attempt: Attempt, options?: TransactOptions): void {
    this.throwFirst(this.transact(batch, options).faults, attempt)
  }

  /**
   * `carryOut` of a batch with one question; `read` turns the kernel's answer into an item. Null
   * when no answer came or `read` gave null.
   */
  ask<Item>(
    batch: MessageWriter,
    attempt: Attempt,
    read: (message: MessageReader) => Item | null,
  ): Item | null {
    const items: Item[] = []
    const onAnswer = (message: MessageReader): void => {
      const item = read(message)
      if (item !== null) items.push(item)
    }
    this.carryOut(batch, attempt, { onAnswer })
    return items.at(-1) ?? null
  }

  /** Throw the first of these faults, if there is one, as ERR_KERNEL of this attempt. */
  throwFirst(faults: BatchOutcome['faults'], attempt: Attempt): void {
    for (const fault of faults.values()) throw kernelError(attempt, fault)
  }

  /**
   * Read a whole table. `request` holds one message; NLM_F_DUMP is its writer's to set. `read`
   * turns a message into an item, or null to pass over it. A dump that lost messages (ENOBUFS) or
   * that the kernel calls inconsistent (NLM_F_DUMP_INTR) is begun again; throws ERR_KERNEL with
   * EINTR when that happened DUMP_ATTEMPTS_MAX times.
   */
  dump<Item>(
    request: MessageWriter,
    attempt: Attempt,
    read: (message: MessageReader) => Item | null,
  ): Item[] {
    assert(request.count === 1, 'a dump is one request')
    for (let i = 0; i < DUMP_ATTEMPTS_MAX; i++) {
      const items: Item[] = []
      const { spoiled, fault } = this.#dumpOnce(request, (message) => {
        const item = read(message)
        if (item !== null) items.push(item)
      })
      if (fault !== null && fault.errno !== 'EINTR') throw kernelError(attempt, fault)
      if (!spoiled && fault === null) return items
    }
    const diagnostic = 'the table changed under each of many dumps'
    throw kernelError(attempt, { errno: 'EINTR', diagnostic })
  }

  /** Forget what the kernel said last: keys may have been in it. */
  wipe(): void {
    this.#buffer.fill(0)
  }

  /** Close the socket. Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    sys.close(this.fd)
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #chunkEnd(batch: MessageWriter, from: number): number {
    const start = batch.startOf(from)
    let to = Math.min(batch.count, from + this.#messagesMax)
    while (to > from + 1 && batch.startOf(to) - start > this.#bytesMax) {
      // Messages of a batch are mostly alike: guess by proportion, then step.
      const share = this.#bytesMax / (batch.startOf(to) - start)
      to = Math.max(from + 1, Math.min(to - 1, from + Math.floor((to - from) * share)))
    }
    return to
  }

  #exchange(part: Part): void {
    const { acknowledged, batch, from, to } = part
    const first = this.#take(to - from)
    for (let i = from; i < to; i++) batch.stamp(i, (first + i - from) >>> 0, i === acknowledged)
    this.#send(batch.view(from, to))
    // Requests are carried out inside send, so every answer is there already.
    for (;;) {
      const length = this.#receive()
      if (length === -errno.EAGAIN) {
        // A transaction refused as a whole never acknowledges its last message.
        if (part.whole && part.faults.size > 0) return
        throw kernelError(REQUEST, { errno: 'EAGAIN', diagnostic: 'the kernel gave no answer' })
      }
      checked(length, REQUEST.operation, REQUEST.object)
      if (this.#readAnswers(part, first, length)) return
    }
  }

  /** True when the acknowledged message of the part has its outcome. */
  #readAnswers(part: Part, first: number, length: number): boolean {
    const message = new MessageReader(this.#buffer, 0, length)
    let ended = false
    while (message.next()) {
      const index = part.from + ((message.sequence - first) >>> 0)
      if (index >= part.to) continue
      if (message.type !== NLMSG.ERROR) {
        if (message.type > NLMSG.OVERRUN) part.onAnswer?.(message, index)
        continue
      }
      const fault = faultOf(message)
      if (fault !== null) part.faults.set(index, fault)
      if (index === part.acknowledged) ended = true
    }
    return ended
  }

  #dumpOnce(request: MessageWriter, visit: (message: MessageReader) => void): DumpState {
    const state: DumpState = { sequence: this.#take(1), spoiled: false, fault: null }
    request.stamp(0, state.sequence, false)
    this.#send(request.view())
    for (;;) {
      const length = this.#receive()
      // Some parts are lost, the rest still comes: read to the end, then begin again.
      if (length === -errno.ENOBUFS) state.spoiled = true
      else if (length < 0) {
        if (!state.spoiled) state.fault = kernelFault(length)
        return state
      } else if (this.#readDump(state, length, visit)) return state
    }
  }

  /** True when the dump ended. */
  #readDump(
    state: DumpState,
    length: number,
    visit: (message: MessageReader) => void,
  ): boolean {
    if (length > this.#buffer.length) {
      // The message was cut. Make room for the next attempt.
      this.#buffer = new Uint8Array(length)
      state.spoiled = true
      return false
    }
    const message = new MessageReader(this.#buffer, 0, length)
    while (message.next()) {
      if (message.sequence !== state.sequence) continue
      if ((message.flags & NLM_F.DUMP_INTR) !== 0) state.spoiled = true
      if (message.type === NLMSG.ERROR || message.type === NLMSG.DONE) {
        state.fault = faultOf(message)
        return true
      }
      visit(message)
    }
    return false
  }

  #take(count: number): number {
    const first = this.#sequence
    this.#sequence = (first + count) >>> 0
    return first
  }

  #send(bytes: Uint8Array): void {
    // The number of a closed descriptor may be somebody else's by now.
    assert(!this.#closed, 'a netlink socket was used after its end')
    checked(send(this.fd, bytes, 0), REQUEST.operation, `${bytes.length} bytes`)
  }

  /** Bytes received, more than the buffer holds when the message was cut; or an error number. */
  #receive(): number {
    return receive(this.fd, this.#buffer, MSG.DONTWAIT | MSG.TRUNC)
  }
}

const REQUEST: Attempt = { operation: 'netlink request', object: 'batch' }

/** Messages `from` to `to` - 1 of a batch, sent together. */
interface Part {
  readonly batch: MessageWriter
  readonly from: number
  readonly to: number
  readonly acknowledged: number
  readonly whole: boolean
  readonly faults: Map<number, KernelFault>
  readonly onAnswer: TransactOptions['onAnswer'] | undefined
}

/** One attempt at a dump: `spoiled` when it must be begun again. */
interface DumpState {
  readonly sequence: number
  spoiled: boolean
  fault: KernelFault | null
}

/**
 * A netlink socket of this family in the current namespace, connected to the kernel: connected,
 * it takes unicast messages from nobody else (netlink_getsockbyportid). Throws ERR_KERNEL.
 */
export function openNetlinkFd(family: number): number {
  const type = SOCK.RAW | SOCK.CLOEXEC
  const fd = checked(sys.socket(AF.NETLINK, type, family), 'open netlink socket', String(family))
  // struct sockaddr_nl: family, padding, port 0 = the kernel, no groups.
  const result = sys.connect(fd, Uint8Array.of(AF.NETLINK, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), 12)
  if (result < 0) sys.close(fd)
  checked(result, 'connect netlink socket', String(family))
  return fd
}
