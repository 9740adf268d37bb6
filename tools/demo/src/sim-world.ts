/** The demo's world on virtual time: simulated hosts, and containers with a small stack inside. */
import { instantAfter, type Ip, type Mac } from '@weft/core'
import type { Crossing } from '@weft/core/testing'
import type { ApplyReport, Attachment, DesiredState, ObservedState } from '@weft/dataplane'
import { overlayMtu } from '@weft/dataplane'
import { SimLab, underlayFrame, type SimLabNode } from '@weft/dataplane-sim/lab'
import { NETWORKS, type CastContainer } from './cast.ts'
import { SimContainer } from './sim-container.ts'
import { SimTransfer } from './sim-transfer.ts'
import type {
  EchoStream,
  PingOutcome,
  TransferOutcome,
  UnderlayFrame,
  World,
  WorldHost,
} from './world.ts'

const UNDERLAY_MTU_BYTES = 1500
const SILENCE_MS = 500
const TRANSFER_WITHIN_MS = 600_000
const ECHO_INTERVAL_MS = 5
/** Frames kept for a capture file at most. */
const FRAMES_MAX = 200_000

/** Hosts on a simulated underlay of two subnets and a router, with an open dataplane each. */
export async function openSimWorld(
  hosts: number,
  { record }: { readonly record: boolean },
): Promise<World> {
  const options = { underlay: 4, underlayMtuBytes: UNDERLAY_MTU_BYTES } as const
  const world = new SimWorld(new SimLab(options), record)
  await world.open(hosts)
  return world
}

class SimWorld implements World {
  readonly backend = 'sim'
  readonly material = 'the executable model of the dataplane, on virtual time'
  readonly #lab: SimLab
  readonly #record: boolean
  readonly #rooms = new Map<CastContainer, SimContainer>()
  readonly #left = new Map<CastContainer, SimContainer>()
  readonly #frames: UnderlayFrame[] = []
  #lost = 0
  #windowOpen = false

  constructor(lab: SimLab, record: boolean) {
    this.#lab = lab
    this.#record = record
    lab.network.capture((crossing) => this.#see(crossing))
  }

  get hosts(): readonly WorldHost[] {
    return this.#lab.nodes.map(({ name, tunnel }) => ({
      name,
      vtep: tunnel,
      subnet: `${tunnel.ip.slice(0, tunnel.ip.lastIndexOf('.'))}.0/24`,
    }))
  }

  async open(hosts: number): Promise<void> {
    for (let n = 1; n <= hosts; n++) await this.#lab.node(`host-${n}`)
  }

  now(): number {
    return this.#lab.clock.now()
  }

  async place(container: CastContainer): Promise<Attachment> {
    const before = this.#rooms.get(container)
    if (before !== undefined) this.#left.set(container, before)
    const { mac, ip } = container
    const mtuBytes = overlayMtu(UNDERLAY_MTU_BYTES, 4)
    const room = new SimContainer({ mac, ip, mtuBytes, clock: this.#lab.clock })
    this.#rooms.set(container, room)
    return { kind: 'port', port: room }
  }

  async vacate(container: CastContainer): Promise<void> {
    const room = this.#left.get(container)
    if (room !== undefined) room.present = false
    this.#left.delete(container)
  }

  apply(host: string, desired: DesiredState): Promise<ApplyReport> {
    return this.#node(host).dataplane.apply(desired)
  }

  observe(host: string): Promise<ObservedState> {
    return this.#node(host).dataplane.observe()
  }

  async ping(from: CastContainer, to: Ip, payloadBytes: number): Promise<PingOutcome> {
    const room = this.#room(from)
    const { mtuBytes } = room.facts
    const sequence = room.ping(to, payloadBytes)
    if (sequence === null) return { ok: false, reason: 'too-long: its own interface', mtuBytes }
    const start = this.now()
    const answered = (): boolean => room.answered(sequence)
    if (await this.#lab.clock.advanceUntil(answered, SILENCE_MS)) {
      return { ok: true, ms: this.now() - start }
    }
    return { ok: false, reason: `timeout: no answer within ${SILENCE_MS} ms`, mtuBytes: null }
  }

  async transfer(from: CastContainer, to: CastContainer, bytes: number): Promise<TransferOutcome> {
    const start = this.now()
    const transfer = new SimTransfer(this.#room(from), this.#room(to), bytes)
    transfer.pump()
    await this.#lab.clock.advanceUntil(() => transfer.done, TRANSFER_WITHIN_MS)
    return { ...transfer.finish(), ms: this.now() - start }
  }

  async stream(from: CastContainer, to: CastContainer): Promise<EchoStream> {
    return this.#startStream(this.#room(from), to.ip)
  }

  #startStream(room: SimContainer, to: Ip): EchoStream {
    const { clock } = this.#lab
    const sent: (number | null)[] = []
    let next: Disposable | null = null
    const send = (): void => {
      sent.push(room.ping(to, 56))
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

  async forgetNeighbours(container: CastContainer): Promise<void> {
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

  async capturing(work: () => Promise<void>): Promise<readonly UnderlayFrame[]> {
    const from = this.#frames.length
    this.#windowOpen = true
    await work()
    this.#windowOpen = false
    return this.#frames.slice(from)
  }

  async captured(): Promise<readonly UnderlayFrame[]> {
    return this.#frames
  }

  captureLost(): number {
    return this.#lost
  }

  async deleteForwarding(host: string, network: string, mac: Mac): Promise<string> {
    await this.#node(host).sabotage({ kind: 'delete-forwarding', network, mac })
    return 'sabotage delete-forwarding'
  }

  async forwardingReturned(host: string, network: string, mac: Mac): Promise<number | null> {
    const vni = NETWORKS.find(({ name }) => name === network)?.vni
    if (vni === undefined) throw new Error(`bug: no network ${network}`)
    const { machine } = this.#node(host)
    const start = this.now()
    const back = (): boolean => machine.entriesOf(network, vni)?.forwarding.has(mac) ?? false
    const returned = await this.#lab.clock.advanceUntil(back, 10 * SILENCE_MS)
    return returned ? this.now() - start : null
  }

  killOwner(host: string): Promise<void> {
    return this.#node(host).crash()
  }

  succeed(host: string): Promise<void> {
    return this.#node(host).reopen()
  }

  /** Read from the machine, since its owner may be dead. */
  async fingerprint(host: string): Promise<string> {
    const { networks } = this.#node(host).machine.read()
    return JSON.stringify([...networks], (_key, value: unknown) =>
      value instanceof Map ? [...(value as Map<unknown, unknown>)] : value,
    )
  }

  async close(): Promise<readonly string[]> {
    const { leaked } = await this.#lab.close()
    return leaked
  }

  async keep(): Promise<readonly string[]> {
    throw new Error('bug: a simulated lab ends with its process')
  }

  #see(crossing: Crossing): void {
    if (crossing.kind !== 'send' || (!this.#record && !this.#windowOpen)) return
    if (this.#frames.length >= FRAMES_MAX) this.#lost++
    else {
      const bytes = underlayFrame(crossing)
      const timestampNs = BigInt(Math.round(this.#lab.clock.wall() * 1e6))
      const [host = ''] = crossing.link.split('>')
      this.#frames.push({ host, timestampNs, bytes, originalLength: bytes.length })
    }
  }

  #node(host: string): SimLabNode {
    const node = this.#lab.nodes.find(({ name }) => name === host)
    if (node === undefined) throw new Error(`bug: no host ${host}`)
    return node
  }

  #room(container: CastContainer): SimContainer {
    const room = this.#rooms.get(container)
    if (room === undefined) throw new Error(`bug: ${container.name} has no room`)
    return room
  }
}
