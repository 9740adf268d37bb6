/** The kernel's IPsec in one namespace: states and policies, put in, taken out, looked at. */
import { isKernelError, type Attempt } from './errors.ts'
import { MessageWriter } from './message-writer.ts'
import { inNamespace } from './namespaces.ts'
import { NLM_F } from './netlink-numbers.ts'
import { NetlinkSocket } from './netlink-socket.ts'
import { NETLINK } from './socket-numbers.ts'
import { XFRM_MSG } from './xfrm-numbers.ts'
import {
  readXfrmPolicy,
  writeDeleteXfrmPolicy,
  writeXfrmPolicy,
  type XfrmPolicy,
  type XfrmPolicyRef,
  type XfrmPolicySpec,
} from './xfrm-policies.ts'
import {
  readXfrmState,
  writeDeleteXfrmState,
  writeXfrmState,
  type XfrmState,
  type XfrmStateRef,
  type XfrmStateSpec,
} from './xfrm-states.ts'

/** One xfrm socket in one namespace. Keys pass through, and are wiped from its memory. */
export class Xfrm implements Disposable {
  readonly #socket: NetlinkSocket
  readonly #writer = new MessageWriter()

  private constructor(socket: NetlinkSocket) {
    this.#socket = socket
  }

  /**
   * Open that of a namespace, the current one when left out. Throws ERR_KERNEL: EPROTONOSUPPORT on
   * a kernel without IPsec.
   */
  static open(namespace?: string | number): Xfrm {
    const open = (): NetlinkSocket => NetlinkSocket.open(NETLINK.XFRM)
    return new Xfrm(namespace === undefined ? open() : inNamespace(namespace, open))
  }

  /**
   * Add a state, or replace what one of the same name holds. Throws ERR_KERNEL: EEXIST, ESRCH when
   * there is nothing to replace, ENOSYS for an algorithm and EPROTONOSUPPORT for a protocol the
   * kernel lacks.
   */
  putState(operation: 'create' | 'replace', spec: XfrmStateSpec): void {
    const attempt = { operation: `${operation} xfrm state`, object: stateName(spec) }
    try {
      writeXfrmState(this.#writer.clear(), operation, spec)
      this.#socket.carryOut(this.#writer, attempt)
    } finally {
      this.#writer.wipe()
      this.#socket.wipe()
    }
  }

  /** Remove a state; false when it was not there. Throws ERR_KERNEL. */
  deleteState(ref: XfrmStateRef): boolean {
    writeDeleteXfrmState(this.#writer.clear(), ref)
    return this.#delete({ operation: 'delete xfrm state', object: stateName(ref) })
  }

  /** All states. Throws ERR_KERNEL: EPERM. */
  states(): XfrmState[] {
    const writer = this.#writer.clear()
    writer.begin(XFRM_MSG.GETSA, NLM_F.DUMP, 0)
    const attempt = { operation: 'list xfrm states', object: 'states' }
    try {
      return this.#socket.dump(writer, attempt, readXfrmState)
    } finally {
      // The kernel sends keys along.
      this.#socket.wipe()
    }
  }

  /** Add a policy, or replace it. Throws ERR_KERNEL: EEXIST, …. */
  putPolicy(operation: 'create' | 'replace', spec: XfrmPolicySpec): void {
    writeXfrmPolicy(this.#writer.clear(), operation, spec)
    const attempt = { operation: `${operation} xfrm policy`, object: policyName(spec) }
    this.#socket.carryOut(this.#writer, attempt)
  }

  /** Remove a policy; false when it was not there. Throws ERR_KERNEL. */
  deletePolicy(ref: XfrmPolicyRef): boolean {
    writeDeleteXfrmPolicy(this.#writer.clear(), ref)
    return this.#delete({ operation: 'delete xfrm policy', object: policyName(ref) })
  }

  /** All policies but those of sockets. Throws ERR_KERNEL: EPERM. */
  policies(): XfrmPolicy[] {
    const writer = this.#writer.clear()
    writer.begin(XFRM_MSG.GETPOLICY, NLM_F.DUMP, 0)
    const attempt = { operation: 'list xfrm policies', object: 'policies' }
    return this.#socket.dump(writer, attempt, readXfrmPolicy)
  }

  /** Remove the ESP states of a reqid; how many there were. Throws ERR_KERNEL. */
  flushStates(reqid: number): number {
    const ours = this.states().filter((state) => state.reqid === reqid && state.protocol === 50)
    return ours.filter((state) => this.deleteState(state)).length
  }

  /** Remove the policies of a mark; how many there were. Throws ERR_KERNEL. */
  flushPolicies(mark: number): number {
    const ours = this.policies().filter((policy) => policy.mark?.value === mark)
    return ours.filter((policy) => this.deletePolicy(policy)).length
  }

  /** Idempotent. */
  close(): void {
    this.#socket.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #delete(attempt: Attempt): boolean {
    try {
      this.#socket.carryOut(this.#writer, attempt)
      return true
    } catch (error) {
      if (isKernelError(error, 'ESRCH', 'ENOENT')) return false
      throw error
    }
  }
}

/** Without keys. */
function stateName({ destination, source, spi }: XfrmStateRef): string {
  return `${source} > ${destination} spi 0x${spi.toString(16).padStart(8, '0')}`
}

function policyName({ direction, selector }: XfrmPolicyRef): string {
  return `${direction} ${selector.source} > ${selector.destination}`
}
