/** A switch with all that is around it on one thread: ports, sockets, the engine between them. */
import type { SocketAddress, Vni } from '@weft/core'
import { PollSet } from '@weft/linux'
import type { EngineState, EngineSubnet } from './engine/engine-state.ts'
import { PacketView } from './engine/packet-view.ts'
import { SwitchEngine } from './engine/switch-engine.ts'
import { TRANSMIT_SEGMENTS_MAX } from './engine/transmit-lanes.ts'
import { switchMemory } from './switch-memory.ts'
import { SwitchPorts } from './switch-ports.ts'
import type { SwitchTotals, SwitchUpdate } from './switch-protocol.ts'
import { SwitchTunnel } from './switch-tunnel.ts'

/** Never blocks but in `turn`. */
export class PacketLoop {
  /** What `turn` waits for; others may add to it. */
  readonly poll = new PollSet()
  readonly ports: SwitchPorts
  readonly tunnel: SwitchTunnel
  readonly #engine: SwitchEngine
  readonly #subnets = new Map<Vni, EngineSubnet>()
  #peers: ReadonlyMap<number, SocketAddress> = new Map()

  /** `lost` hears of TAPs that are gone or fail; `receiveSlots` datagrams are taken at a time. */
  constructor(receiveSlots: number, lost: (port: number, code: number) => void) {
    const memory = switchMemory(receiveSlots)
    const view = new PacketView(memory.pinned.bytes)
    const { poll } = this
    this.#engine = new SwitchEngine(
      {
        deliver: (port, packet) => this.ports.deliver(port, packet),
        transmit: (peer, packet) => this.tunnel.transmit(peer, packet),
      },
      {
        arena: { bytes: memory.pinned.bytes, start: memory.arena },
        segmentsMax: TRANSMIT_SEGMENTS_MAX,
      },
    )
    const engine = this.#engine
    this.ports = new SwitchPorts(
      { poll, memory, lost, take: (port, packet) => engine.fromPort(port, packet) },
      view,
    )
    this.tunnel = new SwitchTunnel(
      { poll, memory, take: (packet, from) => engine.fromUnderlay(packet, from) },
      view,
    )
  }

  /** Wait, at most so long, and carry on what is there. Call `flush` when all is done. */
  turn(timeoutMs: number): void {
    this.poll.wait(timeoutMs)
    this.tunnel.serve()
    this.ports.serve()
  }

  /** Send what waits to be sent. */
  flush(): void {
    this.#engine.flush()
  }

  /** Subnets that did not change stay the same objects, and the engine passes them over. */
  load({ changed, gone, peers }: SwitchUpdate): void {
    this.flush()
    if (peers !== null) {
      this.#peers = peers
      this.tunnel.setPeers(peers)
    }
    for (const vni of gone) this.#subnets.delete(vni)
    for (const [vni, subnet] of changed) this.#subnets.set(vni, subnet)
    this.#engine.load({ peers: this.#peers, subnets: new Map(this.#subnets) })
  }

  /** What the engine's tables hold. */
  read(): EngineState {
    return this.#engine.read()
  }

  totals(): SwitchTotals {
    const { dropped, networks, received, transmitted } = this.#engine.counters()
    const all = new Map(dropped)
    this.ports.addDrops(all)
    this.tunnel.addDrops(all)
    return { transmitted, received, dropped: all, networks }
  }
}
