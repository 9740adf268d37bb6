/** A switch with all that is around it on one thread: ports, sockets, the engine between them. */
import type { SocketAddress, Vni } from '@weft/core'
import { NetworkKey, type RekeyWanted } from '@weft/encryption'
import { PollSet } from '@weft/linux/packets'
import type {
  EngineSubnet,
  SealingParts,
  SecurityProblem,
} from './engine/engine-state.ts'
import { PacketView } from './engine/packet-view.ts'
import { SwitchEngine } from './engine/switch-engine.ts'
import { TRANSMIT_SEGMENTS_MAX } from './engine/transmit-lanes.ts'
import { switchMemory } from './switch-memory.ts'
import { SwitchPorts } from './switch-ports.ts'
import type {
  KeyBytes,
  SecuritySpec,
  SwitchReading,
  SwitchTotals,
  SwitchUpdate,
} from './switch-protocol.ts'
import { SwitchSealedTunnel } from './switch-sealed-tunnel.ts'
import { SwitchTunnel } from './switch-tunnel.ts'

/** What a loop is made with. */
export interface PacketLoopOptions {
  /** Datagrams that are taken at a time. */
  readonly receiveSlots: number
  /** Hears of TAPs that are gone or fail. */
  readonly lost: (port: number, code: number) => void
  /** What encrypted networks are sealed with; null for none. */
  readonly sealing: SealingParts | null
}

/** Never blocks but in `turn`. */
export class PacketLoop {
  /** What `turn` waits for; others may add to it. */
  readonly poll = new PollSet()
  readonly ports: SwitchPorts
  readonly tunnel: SwitchTunnel
  readonly sealedTunnel: SwitchSealedTunnel
  readonly #engine: SwitchEngine
  readonly #subnets = new Map<Vni, EngineSubnet>()
  #peers: ReadonlyMap<number, SocketAddress> = new Map()

  constructor({ lost, receiveSlots, sealing }: PacketLoopOptions) {
    const memory = switchMemory(receiveSlots)
    const view = new PacketView(memory.pinned.bytes)
    const { poll } = this
    this.#engine = new SwitchEngine(
      {
        deliver: (port, packet) => this.ports.deliver(port, packet),
        transmit: (peer, packet) => this.tunnel.transmit(peer, packet),
        transmitSealed: (peer, packet) => this.sealedTunnel.transmit(peer, packet),
      },
      {
        arena: { bytes: memory.pinned.bytes, start: memory.arena },
        quick: memory.quick,
        segmentsMax: TRANSMIT_SEGMENTS_MAX,
        sealing,
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
    this.sealedTunnel = new SwitchSealedTunnel(
      {
        poll,
        memory,
        take: (packet, from, isMoreBehind) => engine.fromSealed(packet, from, isMoreBehind),
      },
      view,
    )
  }

  /**
   * Wait, at most so long, and carry on what is there; false when nothing was. Call `flush` when
   * all is done.
   */
  turn(timeoutMs: number): boolean {
    const happened = this.poll.wait(timeoutMs)
    this.tunnel.serve()
    this.sealedTunnel.serve()
    this.ports.serve()
    return happened > 0
  }

  /** Send what waits to be sent. */
  flush(): void {
    this.#engine.flush()
  }

  /** Subnets that did not change stay the same objects, and the engine passes them over. */
  load({ changed, gone, peers, security }: SwitchUpdate<KeyBytes>): readonly SecurityProblem[] {
    this.flush()
    if (peers !== null) {
      this.#peers = peers
      this.tunnel.setPeers(peers)
      this.sealedTunnel.setPeers(peers)
    }
    const problems = security === null ? [] : this.#secure(security.spec)
    for (const vni of gone) this.#subnets.delete(vni)
    for (const [vni, subnet] of changed) this.#subnets.set(vni, subnet)
    this.#engine.load({ peers: this.#peers, subnets: new Map(this.#subnets) })
    return problems
  }

  /** Key bytes are wiped where they stood. */
  #secure(spec: SecuritySpec<KeyBytes> | null): readonly SecurityProblem[] {
    if (spec === null) return this.#engine.secure(null)
    const keys = spec.keys.map(({ bytes, tag }) => {
      const key = new NetworkKey({ lamportTime: BigInt(tag), bytes })
      bytes.fill(0)
      return key
    })
    return this.#engine.secure({ ...spec, keys })
  }

  /** What the engine's tables hold. */
  read(): SwitchReading {
    return { tables: this.#engine.read(), associations: this.#engine.associations() }
  }

  /** Peers that want another key, told once. */
  rekeysWanted(): readonly RekeyWanted[] {
    return this.#engine.rekeysWanted()
  }

  /** Zero every key. */
  close(): void {
    this.#engine.close()
  }

  totals(): SwitchTotals {
    const { dropped, networks, received, transmitted } = this.#engine.counters()
    const all = new Map(dropped)
    this.ports.addDrops(all)
    this.tunnel.addDrops(all)
    this.sealedTunnel.addDrops(all)
    return { transmitted, received, dropped: all, networks }
  }
}
