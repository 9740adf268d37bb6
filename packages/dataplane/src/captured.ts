/** An underlay that writes what passes through it into a capture that Wireshark reads. */
import {
  ipBytes,
  ipFamily,
  macFromBytes,
  type Clock,
  type DatagramSocket,
  type Ip,
  type Mac,
  type SocketAddress,
  type Underlay,
} from '@weft/core'
import {
  LINK_TYPE_ETHERNET,
  pcapngInterfaceBlock,
  pcapngPacketBlock,
  pcapngSectionBlock,
  udpFrame,
  type PacketDirection,
} from '@weft/wire'

/** Where a capture goes: called with whole pcapng blocks, to be written one after the other. */
export type PcapSink = (block: Uint8Array) => void

/**
 * The same underlay; every datagram sent or received through its sockets is written as a UDP/IP
 * frame. Below UDP the frames are made up, for a socket does not see them: MACs follow from the
 * addresses, and nothing is fragmented.
 */
export function captured(underlay: Underlay, to: { sink: PcapSink; clock: Clock }): Underlay {
  const { sink, clock } = to
  sink(pcapngSectionBlock())
  sink(pcapngInterfaceBlock({ name: 'underlay', linkType: LINK_TYPE_ETHERNET, snapBytes: 0 }))
  const write = (packet: Packet): void => {
    if (ipFamily(packet.from.ip) !== ipFamily(packet.to.ip)) return
    const bytes = frameOf(packet)
    const timestampNs = BigInt(Math.floor(clock.wall() * 1000)) * 1000n
    const { direction } = packet
    const originalLength = bytes.length
    const rest = { interfaceId: 0, timestampNs, originalLength, direction, comment: null }
    sink(pcapngPacketBlock({ ...rest, bytes }))
  }
  return {
    async bind(local, onDatagram) {
      const socket = await underlay.bind(local, (bytes, from) => {
        write({ bytes, from, to: socket.local, direction: 'inbound' })
        onDatagram(bytes, from)
      })
      return capturedSocket(socket, write)
    },
  }
}

interface Packet {
  readonly bytes: Uint8Array
  readonly from: SocketAddress
  readonly to: SocketAddress
  readonly direction: PacketDirection
}

function capturedSocket(socket: DatagramSocket, write: (packet: Packet) => void): DatagramSocket {
  return {
    local: socket.local,
    send(bytes, to) {
      write({ bytes, from: socket.local, to, direction: 'outbound' })
      socket.send(bytes, to)
    },
    close: () => socket.close(),
    [Symbol.asyncDispose]: () => socket[Symbol.asyncDispose](),
  }
}

function frameOf({ bytes, from, to }: Packet): Uint8Array {
  const envelope = {
    sourceMac: madeUpMac(from.ip),
    destinationMac: madeUpMac(to.ip),
    source: from.ip,
    destination: to.ip,
  }
  return udpFrame(envelope, {
    sourcePort: from.port,
    destinationPort: to.port,
    payload: bytes,
  })
}

/** A locally administered MAC with the last four bytes of the address. */
function madeUpMac(ip: Ip): Mac {
  const bytes = ipBytes(ip)
  return macFromBytes(Uint8Array.of(2, 0x75, ...bytes.subarray(bytes.length - 4)))
}
