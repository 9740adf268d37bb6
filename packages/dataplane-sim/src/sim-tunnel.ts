/** The underlay side of a simulated host: one VTEP, its sockets, and who uses them. */
import {
  type DatagramListener,
  type DatagramSocket,
  type SocketAddress,
  type Underlay,
  type Vni,
} from '@weft/core'
import { flowHash, PacketBuffer, vxlan, vxlanHeader } from '@weft/wire'

/**
 * Source ports that a tunnel spreads flows over. A kernel has 16,384 or more at no cost; here each
 * is a socket, and these are enough to tell spread from no spread.
 */
export const TUNNEL_SOURCE_PORTS = 32

/** An open VTEP. */
export class SimTunnel {
  readonly local: SocketAddress
  /** What needs this tunnel; it is closed when the last has gone. */
  readonly users = new Set<string>()
  readonly #sockets: readonly DatagramSocket[]

  private constructor(local: SocketAddress, sockets: readonly DatagramSocket[]) {
    this.local = local
    this.#sockets = sockets
  }

  /** Bind the sockets. Throws as `Underlay.bind` does, and then nothing stays open. */
  static async open(
    underlay: Underlay,
    local: SocketAddress,
    onDatagram: DatagramListener,
  ): Promise<SimTunnel> {
    const sockets: DatagramSocket[] = []
    try {
      sockets.push(await underlay.bind(local, onDatagram))
      for (let i = 0; i < TUNNEL_SOURCE_PORTS; i++) {
        sockets.push(await underlay.bind({ ip: local.ip, port: 0 }, () => undefined))
      }
    } catch (error) {
      for (const socket of sockets) await socket.close()
      throw error
    }
    return new SimTunnel(local, sockets)
  }

  /** Encapsulate a frame and send it; one flow keeps one source port. */
  send(frame: Uint8Array, vni: Vni, to: SocketAddress): void {
    const packet = PacketBuffer.of(frame)
    vxlan.write(packet.bytes, packet.prepend(vxlan.headerLength), vxlanHeader(vni))
    const flow = flowHash(frame, 0, frame.length) % TUNNEL_SOURCE_PORTS
    this.#sockets[1 + flow]?.send(packet.view(), to)
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) await socket.close()
  }
}
