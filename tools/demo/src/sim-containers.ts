/** The containers of the simulated world, and the traffic between them, on virtual time. */
import { instantAfter, type Ip } from '@weft/core'
import type { VirtualClock } from '@weft/core/testing'
import type { Attachment } from '@weft/dataplane'
import type { CastContainer } from './cast.ts'
import { SimContainer } from './sim-container.ts'
import { SimTransfer } from './sim-transfer.ts'
import type { EchoStream, PingOutcome, TransferOutcome, WorldContainers } from './world.ts'

const SILENCE_MS = 500
const TRANSFER_WITHIN_MS = 600_000
const ECHO_INTERVAL_MS = 5
const ECHO_PAYLOAD_BYTES = 56

/** Each container is an in-process network card with a small host behind. */
export class SimContainers implements WorldContainers {
  readonly #clock: VirtualClock
  readonly #mtuBytes: number
  readonly #rooms = new Map<CastContainer, SimContainer>()
  readonly #left = new Map<CastContainer, SimContainer>()

  constructor(clock: VirtualClock, mtuBytes: number) {
    this.#clock = clock
    this.#mtuBytes = mtuBytes
  }

  async place(container: CastContainer): Promise<Attachment> {
    const before = this.#rooms.get(container)
    if (before !== undefined) this.#left.set(container, before)
    const { mac, ip } = container
    const room = new SimContainer({ mac, ip, mtuBytes: this.#mtuBytes, clock: this.#clock })
    this.#rooms.set(container, room)
    return { kind: 'port', port: room }
  }

  async vacate(container: CastContainer): Promise<void> {
    const room = this.#left.get(container)
    if (room !== undefined) room.present = false
    this.#left.delete(container)
  }

  async ping(from: CastContainer, to: Ip, payloadBytes: number): Promise<PingOutcome> {
    const room = this.#room(from)
    const sequence = room.ping(to, payloadBytes)
    if (sequence === null) {
      return { ok: false, reason: 'too-long: its own interface', mtuBytes: this.#mtuBytes }
    }
    const start = this.#clock.now()
    if (await this.#clock.advanceUntil(() => room.answered(sequence), SILENCE_MS)) {
      return { ok: true, ms: this.#clock.now() - start }
    }
    return { ok: false, reason: `timeout: no answer within ${SILENCE_MS} ms`, mtuBytes: null }
  }

  async transfer(from: CastContainer, to: CastContainer, bytes: number): Promise<TransferOutcome> {
    const start = this.#clock.now()
    const transfer = new SimTransfer(this.#room(from), this.#room(to), bytes)
    transfer.pump()
    await this.#clock.advanceUntil(() => transfer.done, TRANSFER_WITHIN_MS)
    return { ...transfer.finish(), ms: this.#clock.now() - start }
  }

  async stream(from: CastContainer, to: CastContainer): Promise<EchoStream> {
    const room = this.#room(from)
    const clock = this.#clock
    const sent: (number | null)[] = []
    let next: Disposable | null = null
    const send = (): void => {
      sent.push(room.ping(to.ip, ECHO_PAYLOAD_BYTES))
      next = clock.schedule(instantAfter(clock.now(), ECHO_INTERVAL_MS), send)
    }
    send()
    return {
      reached: async (count, patienceMs) => {
        const there = await clock.advanceUntil(() => sent.length >= count, patienceMs)
        if (!there) throw new Error(`only ${sent.length} of ${count} echoes were sent`)
      },
      stop: async () => {
        next?.[Symbol.dispose]()
        await clock.advance(SILENCE_MS)
        const answered = sent.filter((seq) => seq !== null && room.answered(seq)).length
        return { sent: sent.length, answered }
      },
    }
  }

  forgetNeighbours(container: CastContainer): void {
    this.#room(container).forgetNeighbours()
  }

  async listening(
    work: (transmit: (from: CastContainer, frame: Uint8Array) => void) => Promise<void>,
  ): Promise<ReadonlyMap<CastContainer, readonly Uint8Array[]>> {
    const heard = new Map<CastContainer, Uint8Array[]>()
    for (const [member, room] of this.#rooms) {
      const frames: Uint8Array[] = []
      heard.set(member, frames)
      room.sniff = (frame) => void frames.push(frame)
    }
    await work((from, frame) => this.#room(from).transmit(frame))
    for (const room of this.#rooms.values()) room.sniff = null
    return heard
  }

  #room(container: CastContainer): SimContainer {
    const room = this.#rooms.get(container)
    if (room === undefined) throw new Error(`bug: ${container.name} has no room`)
    return room
  }
}
