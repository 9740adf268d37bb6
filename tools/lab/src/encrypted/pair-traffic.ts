/** Traffic from one container to the other: numbered datagrams, and a transfer over TCP. */
import { createHash } from 'node:crypto'
import { createSocket, type Socket as DatagramSocket } from 'node:dgram'
import { createServer, type Server } from 'node:net'
import { text } from 'node:stream/consumers'
import { parseIp } from '@weft/core'
import { connectTcp, openTcpListener, openUdpSocket } from '@weft/linux'
import { innerIp, PAIR_SECRET, type StreamTally } from './encrypted-host.ts'
import { STREAM_PORT } from './pair-wire.ts'

const ANY = parseIp('0.0.0.0')
const TRANSFER_PORT = 80
const NUMBER_BYTES = 4

/** The sockets of one container. They stay while its interface comes and goes. */
export class PairTraffic {
  readonly #container: string
  readonly #number: number
  readonly #datagrams: DatagramSocket
  readonly #server: Server
  readonly #arrived = new Set<number>()
  #sent = 0
  #youngest = 0
  #repeated = 0
  #pump: NodeJS.Timeout | null = null

  /** For the container of host `number`, which is at this path. Throws ERR_KERNEL. */
  constructor(number: number, container: string) {
    this.#number = number
    this.#container = container
    this.#datagrams = createSocket('udp4', (bytes) => {
      if (bytes.length > NUMBER_BYTES) this.#hear(bytes.readUInt32BE(0))
    })
    const local = { ip: ANY, port: STREAM_PORT }
    this.#datagrams.bind({ fd: openUdpSocket({ namespace: container, local }) })
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      const hash = createHash('sha256')
      socket.on('data', (bytes: Buffer) => hash.update(bytes))
      socket.on('end', () => socket.end(hash.digest('hex')))
      // Whoever sends sees that there is no answer.
      socket.on('error', () => undefined)
    })
    const listener = { namespace: container, local: { ip: ANY, port: TRANSFER_PORT } }
    this.#server.listen({ fd: openTcpListener(listener) })
  }

  /** Send a datagram every so many milliseconds, or no more. */
  pump(everyMs: number | null): void {
    if (this.#pump !== null) clearInterval(this.#pump)
    this.#pump = everyMs === null ? null : setInterval(() => this.#send(), everyMs)
  }

  tally(): StreamTally {
    const [arrived, youngest, repeated] = [this.#arrived.size, this.#youngest, this.#repeated]
    return { sent: this.#sent, arrived, youngest, repeated }
  }

  /** Count from nothing; no datagram of before may be under way. */
  restart(): void {
    this.#sent = 0
    this.#youngest = 0
    this.#repeated = 0
    this.#arrived.clear()
  }

  /** Send bytes: their digest, and that of what the other container received. */
  async transfer(bytes: number): Promise<readonly [string, string]> {
    const content = PAIR_SECRET.repeat(Math.ceil(bytes / PAIR_SECRET.length)).slice(0, bytes)
    const remote = { ip: innerIp(3 - this.#number), port: TRANSFER_PORT }
    const socket = connectTcp({ namespace: this.#container, remote })
    socket.end(content)
    return [createHash('sha256').update(content).digest('hex'), await text(socket)]
  }

  close(): void {
    this.pump(null)
    this.#datagrams.close()
    this.#server.close()
  }

  #hear(number: number): void {
    if (this.#arrived.has(number)) this.#repeated++
    this.#arrived.add(number)
    this.#youngest = Math.max(this.#youngest, number + 1)
  }

  #send(): void {
    const bytes = Buffer.concat([Buffer.alloc(NUMBER_BYTES), Buffer.from(PAIR_SECRET)])
    bytes.writeUInt32BE(this.#sent++)
    // While there is no interface, a datagram is lost like any other: it does not arrive.
    this.#datagrams.send(bytes, STREAM_PORT, innerIp(3 - this.#number), () => undefined)
  }
}
