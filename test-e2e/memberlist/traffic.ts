/** Reliable messages from everyone to everyone, without a pause, and an account of them. */
import { hasCode } from '@weft/core'
import type { MemberlistProcess } from '@weft/lab'
import { until } from './ring.ts'

/** Messages of each node that must get through before the traffic counts as flowing. */
const FLOWING_COUNT = 5

interface Sent {
  readonly to: MemberlistProcess
  readonly text: string
}

/** What became of the messages: those that were lost by name. */
export interface TrafficAccount {
  readonly sent: number
  readonly lost: readonly string[]
}

/** Traffic between these nodes, from the first moment until its end. */
export class Traffic implements AsyncDisposable {
  readonly #nodes: readonly MemberlistProcess[]
  readonly #sent: Sent[] = []
  readonly #refused: string[] = []
  readonly #inboxes = new Map<MemberlistProcess, Inbox>()
  readonly #senders: readonly Promise<void>[]
  #isOver = false

  constructor(nodes: readonly MemberlistProcess[]) {
    this.#nodes = nodes
    for (const node of nodes) this.#inboxes.set(node, new Inbox(node))
    this.#senders = nodes.map((node) => this.#sendFrom(node))
  }

  /** Wait until each node sent some more, and all of it and all before it has arrived. */
  async flow(): Promise<void> {
    const count = this.#sent.length + FLOWING_COUNT * this.#nodes.length
    await until('traffic flows', () => {
      return this.#sent.length >= count && this.#lost(count).length === 0
    })
  }

  /** Stop sending, and say what arrived. */
  async end(): Promise<TrafficAccount> {
    await this[Symbol.asyncDispose]()
    const lost = (): string[] => [...this.#refused, ...this.#lost(this.#sent.length)]
    try {
      await until('the last message arrives', () => lost().length === 0)
    } catch (error) {
      // What did not arrive in time is in the account, which the caller judges.
      if (!hasCode(error, 'ERR_NOT_EVENTUALLY')) throw error
    }
    return { sent: this.#sent.length, lost: lost() }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#senders)
  }

  async #sendFrom(from: MemberlistProcess): Promise<void> {
    const others = this.#nodes.filter((node) => node !== from)
    for (let count = 0; !this.#isOver; count++) {
      const to = others[count % others.length]
      if (to === undefined) return
      const text = `message ${count} from ${from.name} to ${to.name}`
      try {
        await from.send(new Uint8Array(Buffer.from(text)), { how: 'stream', to: to.name })
        this.#sent.push({ to, text })
      } catch (error) {
        this.#refused.push(`${text}: ${String(error)}`)
      }
    }
  }

  #lost(count: number): string[] {
    const first = this.#sent.slice(0, count)
    return first.filter(({ to, text }) => this.#inboxes.get(to)?.has(text) !== true).map(textOf)
  }
}

const textOf = ({ text }: Sent): string => text

/** What a node got so far; looks at each event once. */
class Inbox {
  readonly #node: MemberlistProcess
  readonly #texts = new Set<string>()
  #looked = 0

  constructor(node: MemberlistProcess) {
    this.#node = node
  }

  has(text: string): boolean {
    const { events } = this.#node
    for (; this.#looked < events.length; this.#looked++) {
      const event = events[this.#looked]
      if (event?.kind === 'user') this.#texts.add(Buffer.from(event.bytes).toString())
    }
    return this.#texts.has(text)
  }
}
