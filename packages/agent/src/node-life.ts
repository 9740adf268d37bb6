/** What an agent does when it is told to. */
import type { Cancellable } from '@weft/core'
import type { AttachmentRequest, AttachmentView } from '@weft/swarm'
import { agentError } from './agent-errors.ts'
import type { AgentPorts, NodeAddresses, NodeFacts } from './agent-options.ts'
import type { AgentParts } from './agent-parts.ts'
import { CancelSource } from './async/cancel-source.ts'
import { unlessCancelled } from './async/waiting.ts'
import { createEndpointId } from './attachments/attachment.ts'

/** The acting half of an Agent. */
export class NodeLife {
  readonly #parts: AgentParts
  readonly #ports: AgentPorts
  readonly #closing = new CancelSource()
  readonly #underWay = new Set<Promise<unknown>>()
  #end: Promise<void> | null = null

  constructor(parts: AgentParts, ports: AgentPorts) {
    this.#parts = parts
    this.#ports = ports
  }

  /** Program what was before, then begin with everything else. Throws what sockets throw. */
  async start(): Promise<void> {
    const { programmer, ring, sessions, renewal } = this.#parts
    // Whatever cannot be programmed is tried again; a node with a fault is better than none.
    await programmer.changed().catch(() => undefined)
    await ring.start()
    sessions.start()
    renewal.check()
  }

  async attach(
    request: AttachmentRequest,
    { signal }: Cancellable = {},
  ): Promise<AttachmentView> {
    this.#checkOpen('attach')
    const { removed } = this.#parts.sessions
    if (removed !== null) throw removed
    const call = new CancelSource()
    using _caller = call.follow(signal)
    using _closing = call.follow(this.#closing)
    return await this.#track(this.#parts.attacher.attach(request, { signal: call }))
  }

  async detach(id: string, { signal }: Cancellable = {}): Promise<void> {
    this.#checkOpen('detach')
    const { book, attacher } = this.#parts
    const removing = this.#track(attacher.remove(book.find(id), 'release'))
    // What is begun is carried out, whether somebody waits for it or not.
    await unlessCancelled(removing, signal)
  }

  async update({
    facts,
    ...addresses
  }: Partial<NodeAddresses> & { readonly facts?: NodeFacts }): Promise<void> {
    this.#checkOpen('update')
    const { state, sessions } = this.#parts
    if (facts !== undefined) {
      state.facts = facts
      sessions.reopen()
    }
    await this.#track(this.#move({ ...state.addresses, ...addresses }))
  }

  async leave({ signal }: Cancellable = {}): Promise<void> {
    this.#checkOpen('leave')
    await unlessCancelled(this.#track(this.#leave()), signal)
  }

  close(mode: 'detach' | 'teardown'): Promise<void> {
    return (this.#end ??= this.#close(mode))
  }

  /** Addresses are hints: who we are stays, what we say of ourselves is said anew (P25). */
  async #move(addresses: NodeAddresses): Promise<void> {
    const { state, book, programmer, publish, ring, keeper } = this.#parts
    const before = state.addresses
    const isSamePath = before.dataPathIp === addresses.dataPathIp
    const isSameRing =
      before.advertiseIp === addresses.advertiseIp && before.bindIp === addresses.bindIp
    if (isSamePath && isSameRing) return
    state.addresses = addresses
    for (const attachment of book.all()) attachment.rowKey = createEndpointId(this.#ports.entropy)
    // What the dataplane cannot do now it tries again; peers have to know all the same.
    await programmer.changed().catch(() => undefined)
    try {
      // Rows go out under the new name once it is there; the old name takes its own along.
      if (isSameRing) publish()
      else await ring.move(() => publish())
    } finally {
      await keeper.save()
      this.#parts.onChange()
    }
  }

  async #leave(): Promise<void> {
    const { book, attacher, ring, sessions, renewal, keeper } = this.#parts
    this.#closing.cancel(agentError('ERR_AGENT_CLOSED', 'the node leaves', { operation: 'leave' }))
    await Promise.all(book.all().map((attachment) => attacher.remove(attachment, 'release')))
    await ring.leave()
    await renewal.close()
    await sessions.close()
    await keeper.forget()
  }

  async #close(mode: 'detach' | 'teardown'): Promise<void> {
    const { programmer, ring, sessions, renewal, keeper } = this.#parts
    this.#closing.cancel(agentError('ERR_AGENT_CLOSED', 'the node stops', { operation: 'close' }))
    await Promise.allSettled([...this.#underWay])
    await renewal.close()
    await sessions.close()
    await ring.close()
    await keeper.close()
    await programmer.stop()
    await this.#ports.dataplane.close(mode)
  }

  #checkOpen(operation: string): void {
    if (this.#end === null && !this.#closing.aborted) return
    throw agentError('ERR_AGENT_CLOSED', 'the node stops', { operation })
  }

  #track<Result>(work: Promise<Result>): Promise<Result> {
    this.#underWay.add(work)
    const forget = (): void => void this.#underWay.delete(work)
    void work.then(forget, forget)
    return work
  }
}
