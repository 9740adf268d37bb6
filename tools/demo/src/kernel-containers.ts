/** The containers of the kernel's world: namespaces, and the traffic between them. */
import type { Ip } from '@weft/core'
import type { Attachment } from '@weft/dataplane'
import { Container, Traffic, type TrafficPath } from '@weft/lab'
import type { CastContainer } from './cast.ts'
import { FloodStream } from './flood-stream.ts'
import type { EchoStream, PingOutcome, TransferOutcome, WorldContainers } from './world.ts'

const SILENCE_MS = 500
const STREAM_PER_SECOND = 500

/** Invariant: every namespace it made is in `#rooms` or `#left`, and goes with `close`. */
export class KernelContainers implements WorldContainers {
  readonly #traffic = new Traffic()
  readonly #rooms = new Map<CastContainer, Container>()
  readonly #left = new Map<CastContainer, Container>()

  async place(container: CastContainer): Promise<Attachment> {
    const before = this.#rooms.get(container)
    if (before !== undefined) this.#left.set(container, before)
    const room = Container.open(`${container.name}.${container.host}`)
    this.#rooms.set(container, room)
    return room.attachment
  }

  async vacate(container: CastContainer): Promise<void> {
    await this.#left.get(container)?.close()
    this.#left.delete(container)
  }

  async ping(from: CastContainer, to: Ip, payloadBytes: number): Promise<PingOutcome> {
    const outcome = await this.#room(from).echo(to, { payloadBytes, withinMs: SILENCE_MS })
    if (outcome.ok) return { ok: true, ms: outcome.roundTripMs }
    const { diagnostic, mtuBytes, reason } = outcome
    return { ok: false, reason: `${reason}: ${diagnostic}`, mtuBytes }
  }

  async transfer(from: CastContainer, to: CastContainer, bytes: number): Promise<TransferOutcome> {
    const report = await this.#traffic.transfer({ ...this.#path(from, to), bytes })
    return { bytes: report.bytes, intact: report.digest !== null, ms: report.ms }
  }

  async stream(from: CastContainer, to: CastContainer): Promise<EchoStream> {
    const options = { ...this.#path(from, to), perSecond: STREAM_PER_SECOND }
    return new FloodStream(await this.#traffic.flood(options))
  }

  forgetNeighbours(container: CastContainer): void {
    this.#room(container).flushNeighbours()
  }

  async listening(
    work: (transmit: (from: CastContainer, frame: Uint8Array) => void) => Promise<void>,
  ): Promise<ReadonlyMap<CastContainer, readonly Uint8Array[]>> {
    const taps = [...this.#rooms].map(([member, room]) => ({ member, room, tap: room.listen() }))
    try {
      await work((from, frame) => {
        const place = taps.find(({ member }) => member === from)
        const refusal = place?.tap.send(frame, place.room.facts()?.link.index ?? 0)
        if (refusal) throw new Error(`${from.name} cannot send: ${refusal.diagnostic}`)
      })
      const heard = new Map<CastContainer, readonly Uint8Array[]>()
      for (const { member, tap } of taps) {
        heard.set(member, (await tap.take()).map((frame) => frame.bytes))
      }
      return heard
    } finally {
      for (const { tap } of taps) await tap.close()
    }
  }

  /** Remove all namespaces and the traffic's threads. */
  async close(): Promise<void> {
    await this.#traffic[Symbol.asyncDispose]()
    for (const room of [...this.#rooms.values(), ...this.#left.values()]) await room.close()
  }

  /** Let go of the namespaces and leave them there. */
  async abandon(): Promise<void> {
    await this.#traffic[Symbol.asyncDispose]()
    for (const room of this.#rooms.values()) room.netns.abandon()
  }

  #path(from: CastContainer, to: CastContainer): TrafficPath {
    return { from: this.#room(from).netns, to: this.#room(to).netns, address: to.ip }
  }

  #room(container: CastContainer): Container {
    const room = this.#rooms.get(container)
    if (room === undefined) throw new Error(`bug: ${container.name} has no room`)
    return room
  }
}
