/** Rings of ours and of HashiCorp's memberlist, three and three, each node a process. */
import {
  eventually,
  MemberlistProcess,
  type MemberlistEvent,
  type MemberlistOptions,
  type MemberlistTiming,
} from '@weft/lab'
import { join } from 'node:path'
import { splitAddress, ThirdSpeaker } from './third-speaker.ts'

const OURS = join(import.meta.dirname, 'weft-node.ts')

/** Fast enough for a test, slow enough for a machine that has other things to do. */
export const TIMING: MemberlistTiming = {
  probeIntervalMs: 300,
  probeTimeoutMs: 150,
  suspicionMult: 4,
  suspicionTimeoutMultMax: 6,
  gossipIntervalMs: 50,
  // The dead must still be known when they are back, however long a busy machine takes for that.
  gossipToTheDeadMs: 60_000,
  pushPullIntervalMs: 2_000,
  streamTimeoutMs: 5_000,
}

/** What the nodes of a ring have in common. */
export interface RingOptions {
  readonly keys: readonly Uint8Array[]
  readonly compress: boolean
  readonly timing: MemberlistTiming
  readonly family: 4 | 6
  /** How our nodes behave, apart from the timing. */
  readonly profile: 'docker' | 'lan'
}

/** Long enough for whatever a ring does, on a busy machine. */
export const WITHIN_MS = 30_000

/** The nodes of a ring, and somebody outside of it. */
export class Ring implements AsyncDisposable {
  readonly speaker: ThirdSpeaker
  #options: RingOptions
  readonly #program: readonly string[]
  readonly #nodes: MemberlistProcess[] = []

  /** `program` is the one with the library. */
  constructor(program: string, options: RingOptions) {
    this.#program = [program]
    this.#options = options
    this.speaker = new ThirdSpeaker(options.keys, options)
  }

  /** Every node, in the order in which they started; the dead included. */
  get nodes(): readonly MemberlistProcess[] {
    return this.#nodes
  }

  /**
   * Start a node that knows nobody: `go-…` has the library, `weft-…` is ours. It has the keys of
   * the ring unless it is told others.
   */
  async start(
    name: string,
    { meta, keys = this.#options.keys }: { meta: Uint8Array; keys?: readonly Uint8Array[] },
  ): Promise<MemberlistProcess> {
    const bind = this.#options.family === 4 ? `127.0.0.${this.#nodes.length + 1}` : '::1'
    const node = await this.#open({ name, meta, keys, bind, port: 0 })
    this.#nodes.push(node)
    return node
  }

  /** Start a node again that has ended, at the address where it was. */
  async restart(name: string, meta: Uint8Array): Promise<MemberlistProcess> {
    const former = this.node(name)
    const { host, port } = splitAddress(former.address)
    await former[Symbol.asyncDispose]()
    const node = await this.#open({ name, meta, keys: this.#options.keys, bind: host, port })
    this.#nodes.splice(this.#nodes.indexOf(former), 1, node)
    return node
  }

  #open(
    who: Pick<MemberlistOptions, 'name' | 'meta' | 'keys' | 'bind' | 'port'>,
  ): Promise<MemberlistProcess> {
    const { compress, timing, profile } = this.#options
    const ours = [process.execPath, '--conditions=@weft/source', OURS, profile]
    const program = who.name.startsWith('go-') ? this.#program : ours
    return MemberlistProcess.open(program, { ...who, compress, timing, state: stateOf(who.name) })
  }

  /** The ring has these keys now; its nodes were told, and who starts later has them too. */
  useKeys(keys: readonly Uint8Array[]): void {
    this.#options = { ...this.#options, keys }
    this.speaker.useKeys(keys)
  }

  /** A node by name. */
  node(name: string): MemberlistProcess {
    const found = this.#nodes.find((node) => node.name === name)
    if (found === undefined) throw new Error(`no node ${name}`)
    return found
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node[Symbol.asyncDispose]()))
  }
}

/** What a node of this name adds to every exchange of state. */
export function stateOf(name: string): Uint8Array {
  return new Uint8Array(Buffer.from(`state of ${name}`))
}

/** Wait until a node tells this of a member; `since` leaves out the events before that one. */
export async function hears(
  node: MemberlistProcess,
  news: News,
  since = 0,
): Promise<void> {
  const isIt = (event: MemberlistEvent): boolean =>
    event.kind === news.kind &&
    event.name === news.name &&
    (news.meta === undefined || Buffer.compare(event.meta, news.meta) === 0)
  const what = `${node.name} hears: ${news.name} ${news.kind}`
  await until(what, () => node.events.slice(since).some(isIt))
}

/** What may be heard of a member. */
export interface News {
  readonly kind: 'join' | 'update' | 'leave'
  readonly name: string
  /** Any, unless given. */
  readonly meta?: Uint8Array
}

/** Wait until something is so. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
): Promise<void> {
  const check = async (): Promise<void> => {
    if (!(await holds())) throw new Error('not yet')
  }
  await eventually(check, { withinMs: WITHIN_MS, what })
}
