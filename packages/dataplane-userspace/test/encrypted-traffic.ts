/** Traffic between the containers of a pair: datagrams at a rate, and streams of TCP. */
import { createSocket, type Socket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { parseIp } from '@weft/core'
import { connectTcp, inNamespace, openTcpListener, openUdpSocket } from '@weft/linux'
import { SECRET, type Pair } from './encrypted-pair.ts'

const TICK_MS = 4
/** A tick that comes late sends what was missed, but no more at once than a TAP holds. */
const BURST_MAX = 200
const RECEIVE_BUFFER_BYTES = 4 << 20

/** Numbered datagrams from the near container to the far one. */
export class Flood {
  sent = 0
  arrived = 0
  readonly #rate: number
  readonly #sender: Socket
  readonly #receiver: Socket
  readonly #seen = new Set<number>()
  readonly #far: string
  readonly #timer: NodeJS.Timeout
  #owed = 0
  #last = performance.now()

  constructor({ c1, c2 }: Pair, ratePerSecond: number) {
    this.#rate = ratePerSecond
    this.#far = c2
    const [here, there] = ['10.0.1.2', '10.0.1.3'].map((ip) => ({ ip: parseIp(ip), port: 7 }))
    this.#receiver = createSocket('udp4', (bytes) => this.#count(bytes.readUInt32BE(0)))
    this.#receiver.bind({ fd: openUdpSocket({ namespace: c2, local: there ?? NOWHERE }) }, () => {
      this.#receiver.setRecvBufferSize(RECEIVE_BUFFER_BYTES)
    })
    this.#sender = createSocket('udp4')
    this.#sender.bind({ fd: openUdpSocket({ namespace: c1, local: here ?? NOWHERE }) })
    this.#timer = setInterval(() => this.#send(), TICK_MS)
  }

  #count(number: number): void {
    if (!this.#seen.has(number)) this.arrived++
    this.#seen.add(number)
  }

  #send(): void {
    const now = performance.now()
    this.#owed = Math.min(BURST_MAX, this.#owed + ((now - this.#last) * this.#rate) / 1000)
    this.#last = now
    for (; this.#owed >= 1; this.#owed--) {
      const bytes = Buffer.concat([Buffer.alloc(4), Buffer.from(SECRET)])
      bytes.writeUInt32BE(this.sent++)
      this.#sender.send(bytes, 7, '10.0.1.3')
    }
  }

  /** Until so many more were sent. */
  async more(count: number): Promise<void> {
    for (const aim = this.sent + count; this.sent < aim; ) await delay(TICK_MS)
  }

  /** Stop; how many were lost that no socket in the far container threw away. */
  async end(): Promise<number> {
    clearInterval(this.#timer)
    for (let before = -1; before !== this.arrived; ) {
      before = this.arrived
      await delay(200)
    }
    const lost = this.sent - this.arrived - receiveErrors(this.#far)
    this.#sender.close()
    this.#receiver.close()
    return lost
  }
}

const NOWHERE = { ip: parseIp('0.0.0.0'), port: 0 }

/** Datagrams for which a receiver in this namespace had no room (RcvbufErrors). */
function receiveErrors(namespace: string): number {
  const text = inNamespace(namespace, () => readFileSync('/proc/thread-self/net/snmp', 'utf8'))
  const [names = [], values = []] = text
    .split('\n')
    .filter((line) => line.startsWith('Udp:'))
    .map((line) => line.split(' '))
  return Number(values[names.indexOf('RcvbufErrors')] ?? 0)
}

/** Send so many bytes by TCP; whether all arrived as they were sent. */
export async function transfer({ c1, c2 }: Pair, bytes: number): Promise<boolean> {
  const remote = { ip: parseIp('10.0.1.3'), port: 80 }
  const text = Buffer.from(SECRET.repeat(Math.ceil(bytes / SECRET.length))).subarray(0, bytes)
  const server = createServer()
  server.listen({ fd: openTcpListener({ namespace: c2, local: remote }) })
  const received = new Promise<boolean>((resolve) => {
    server.on('connection', (socket) => {
      const chunks: Buffer[] = []
      socket.on('data', (chunk: Buffer) => void chunks.push(chunk))
      socket.on('end', () => resolve(Buffer.concat(chunks).equals(text)))
    })
  })
  const socket = connectTcp({ namespace: c1, remote })
  socket.end(text)
  const isWhole = await received
  socket.destroy()
  server.close()
  return isWhole
}
