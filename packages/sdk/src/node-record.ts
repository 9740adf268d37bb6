/** What a node writes down of itself: who it is, where, and under which settings. */
import { parseIp, utf8Bytes, utf8Text, type Ip, type SocketAddress, type Store } from '@weft/core'
import type { NodeIdentity } from '@weft/swarm'
import { sdkError } from './sdk-errors.ts'

/** A node's place in its cluster. Holds a private key: never logged. */
export interface NodeRecord {
  readonly identity: NodeIdentity
  readonly listen: SocketAddress
  /** What others are told, and where managers are reached. */
  readonly advertise: SocketAddress
  readonly dataPathIp: Ip
  /** What the user said of them: an address that goes is replaced by the same rule. */
  readonly request: {
    readonly advertiseAddress: string | null
    readonly dataPathAddress: string | null
  }
  /** `host:port` of managers to begin with. */
  readonly managers: readonly string[]
}

/** What the record may say. */
export type Standing =
  /** Part of no cluster. */
  | { readonly kind: 'none' }
  /**
   * Something was begun that is not to be finished: joining before it was done, or leaving. What
   * there is of it must go.
   */
  | { readonly kind: 'unfinished' }
  | { readonly kind: 'member'; readonly record: NodeRecord }

const KEY = 'node'
const VERSION = 1

/** The standing of a node, in its store. Each write is one transaction. */
export class RecordStore {
  readonly #store: Store
  readonly #location: string

  /** `location` stands in errors. */
  constructor(store: Store, location: string) {
    this.#store = store
    this.#location = location
  }

  /** Throws ERR_STATE_CORRUPT for a record that does not read. */
  async load(): Promise<Standing> {
    const entry = (await this.#store.list(KEY)).find(({ key }) => key === KEY)
    if (entry === undefined) return { kind: 'none' }
    try {
      return parse(utf8Text(entry.value, 0, entry.value.length))
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error)
      throw corrupt(this.#location, problem)
    }
  }

  async save(standing: Standing): Promise<void> {
    const value =
      standing.kind === 'none'
        ? null
        : utf8Bytes(JSON.stringify({ version: VERSION, ...standing }))
    await this.#store.commit({ checks: [], writes: [{ key: KEY, value }] })
  }
}

/** What to do about a state that does not read, whichever file it is in. */
export function corrupt(file: string, problem: string, cause?: unknown): Error {
  const remedy =
    'bring back a copy of it, or give this node up: remove it on a manager, ' +
    'move the state directory away, and join again'
  const text = 'what this node wrote down does not read, and was left as it is'
  return sdkError('ERR_STATE_CORRUPT', text, { file, problem, remedy }, cause)
}

function parse(text: string): Standing {
  const json = JSON.parse(text) as { version?: unknown; kind?: unknown; record?: unknown }
  if (json.version !== VERSION) throw new Error(`version ${String(json.version)}, not ${VERSION}`)
  if (json.kind === 'unfinished') return { kind: 'unfinished' }
  if (json.kind !== 'member') throw new Error(`of kind ${String(json.kind)}`)
  const record = json.record as NodeRecord
  // Everything else was checked when it was given, and the row has a checksum.
  for (const ip of [record.listen.ip, record.advertise.ip, record.dataPathIp]) parseIp(ip)
  return { kind: 'member', record }
}
