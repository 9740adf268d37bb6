/** A core as small as can be: beats every second, greets by stream, remembers what it heard. */
import { utf8Bytes, utf8Text, type Instant, type SocketAddress } from '@weft/core'
import type { GossipOutput, StreamId } from '@weft/gossip'
import type { SimCore } from '../src/engine/sim-core.ts'

export const BEAT_MS = 1000

export class ToyCore implements SimCore {
  readonly heard: string[] = []
  readonly name: string
  readonly peers: readonly SocketAddress[]
  refuses = false
  #outputs: GossipOutput[] = []
  #beatAt: Instant
  #streams = 0

  constructor(name: string, now: Instant, peers: readonly SocketAddress[]) {
    this.name = name
    this.peers = peers
    this.#beatAt = (now + BEAT_MS) as Instant
  }

  readonly streams = {
    accept: (now: Instant, from: SocketAddress): StreamId | null => {
      this.heard.push(`${now} accept ${from.ip}`)
      return this.refuses ? null : this.#newId()
    },
    received: (now: Instant, stream: StreamId, bytes: Uint8Array): void => {
      this.heard.push(`${now} ${stream} ${utf8Text(bytes, 0, bytes.length)}`)
    },
    ended: (now: Instant, stream: StreamId, clean: boolean): void => {
      this.heard.push(`${now} ${stream} ended ${clean}`)
    },
  }

  receive(now: Instant, from: SocketAddress, bytes: Uint8Array): void {
    this.heard.push(`${now} packet ${from.ip} ${utf8Text(bytes, 0, bytes.length)}`)
    bytes.fill(0)
  }

  tick(now: Instant): void {
    if (now < this.#beatAt) return
    this.#beatAt = (now + BEAT_MS) as Instant
    const bytes = utf8Bytes(`beat of ${this.name}`)
    for (const to of this.peers) this.#outputs.push({ kind: 'packet', to, bytes })
  }

  nextDeadline(): Instant {
    return this.#beatAt
  }

  drain(): readonly GossipOutput[] {
    const outputs = this.#outputs
    this.#outputs = []
    return outputs
  }

  open(to: SocketAddress, ...texts: readonly string[]): StreamId {
    const stream = this.#newId()
    this.#outputs.push({ kind: 'stream-open', stream, to })
    for (const text of texts) this.write(stream, text)
    return stream
  }

  write(stream: StreamId, text: string): void {
    this.#outputs.push({ kind: 'stream-write', stream, bytes: utf8Bytes(text) })
  }

  close(stream: StreamId): void {
    this.#outputs.push({ kind: 'stream-close', stream })
  }

  #newId(): StreamId {
    return ++this.#streams as StreamId
  }
}
