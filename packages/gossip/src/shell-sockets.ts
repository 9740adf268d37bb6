/** One port for datagrams and streams, as gossip needs it. */
import {
  hasCode,
  type ByteStream,
  type Clock,
  type DatagramListener,
  type DatagramSocket,
  type SocketAddress,
  type StreamHandler,
  type StreamListener,
  type Streams,
  type Underlay,
} from '@weft/core'

/** Ports tried when any will do: one that is free for streams may be taken for datagrams. */
export const PORT_ATTEMPTS_MAX = 16

/** What a shell draws on. */
export interface ShellPorts {
  readonly clock: Clock
  readonly underlay: Underlay
  readonly streams: Streams
}

/** What arrives. */
export interface SocketInputs {
  readonly onDatagram: DatagramListener
  readonly accept: (stream: ByteStream) => StreamHandler
}

/** Both sockets of a node, on one port. */
export interface ShellSockets {
  readonly listener: StreamListener
  readonly socket: DatagramSocket
}

/** Bind both; port 0 picks one that is free for both. Throws what the ports throw. */
export async function bindSockets(
  local: SocketAddress,
  ports: ShellPorts,
  { onDatagram, accept }: SocketInputs,
): Promise<ShellSockets> {
  for (let attempt = 1; ; attempt++) {
    const listener = await ports.streams.listen(local, accept)
    try {
      return { listener, socket: await ports.underlay.bind(listener.local, onDatagram) }
    } catch (error) {
      await listener.close()
      const isTaken = local.port === 0 && hasCode(error, 'ERR_ADDRESS_IN_USE')
      if (!isTaken || attempt === PORT_ATTEMPTS_MAX) throw error
    }
  }
}

/** Close both. */
export async function closeSockets({ listener, socket }: ShellSockets): Promise<void> {
  await Promise.all([socket.close(), listener.close()])
}

/** Let nobody in. */
export function refuseStream(stream: ByteStream): StreamHandler {
  stream.close()
  return { onBytes: () => undefined, onEnd: () => undefined }
}
