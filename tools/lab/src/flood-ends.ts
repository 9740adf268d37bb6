/** The two ends of a UDP flood: one sends at a constant rate and counts answers, one answers. */
import { ipFamily, setU32, u32, type Ip } from '@weft/core'
import { localAddress, openUdpSocket } from '@weft/linux'
import { createSocket, type Socket } from 'node:dgram'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  FLOOD_ANSWERED,
  FLOOD_SENT,
  type BounceEnd,
  type FloodEnd,
  type FloodTally,
  type Work,
} from './traffic-protocol.ts'

/** A sequence number, and the time of sending in microseconds; both 32 bits. */
export const FLOOD_HEADER_BYTES = 8

/** How long the last answers may take, in milliseconds. */
const LINGER_MS = 1_000
const TICK_MS = 1

function adoptUdp(namespace: number, ip: Ip): { readonly socket: Socket; readonly port: number } {
  const fd = openUdpSocket({ namespace, local: { ip, port: 0 } })
  const { port } = localAddress(fd)
  const socket = createSocket(ipFamily(ip) === 4 ? 'udp4' : 'udp6')
  socket.bind({ fd })
  return { socket, port }
}

/** Send back everything that arrives, until stopped. */
export function bounceFlood({ ip, namespace }: BounceEnd, ready: (port: number) => void): Work {
  const { port, socket } = adoptUdp(namespace, ip)
  const { promise, resolve } = Promise.withResolvers<null>()
  // A failed send back is a datagram that is not answered: the sender counts it.
  socket.on('message', (bytes, { address, port: back }) => {
    socket.send(bytes, back, address, () => undefined)
  })
  ready(port)
  return {
    done: promise,
    stop: () => {
      socket.close()
      resolve(null)
    },
  }
}

/** Send at a constant rate until stopped, then wait for the last answers. */
export function sendFlood(end: FloodEnd, counts: SharedArrayBuffer): Work {
  const flood = new Flood(end, new Int32Array(counts))
  return { done: flood.run(), stop: () => flood.stop() }
}

/** Invariant: `#sent` datagrams were handed to the kernel, numbered from 0. */
class Flood {
  readonly #end: FloodEnd
  readonly #counts: Int32Array
  readonly #socket: Socket
  readonly #seen: boolean[] = []
  #stopped = false
  #sent = 0
  #answered = 0
  #duplicated = 0
  #longestRoundTripMs = 0
  #longestSilenceMs = 0
  #lastHeard = 0

  constructor(end: FloodEnd, counts: Int32Array) {
    this.#end = end
    this.#counts = counts
    const any = (ipFamily(end.ip) === 4 ? '0.0.0.0' : '::') as Ip
    this.#socket = adoptUdp(end.namespace, any).socket
    this.#socket.on('message', (bytes) => this.#hear(bytes))
  }

  async run(): Promise<FloodTally> {
    const start = performance.now()
    this.#lastHeard = start
    while (!this.#stopped) {
      const due = Math.floor(((performance.now() - start) * this.#end.perSecond) / 1000)
      while (this.#sent < due) this.#send()
      await sleep(TICK_MS)
    }
    const until = performance.now() + LINGER_MS
    while (this.#answered < this.#sent && performance.now() < until) await sleep(TICK_MS)
    this.#socket.close()
    return {
      sent: this.#sent,
      answered: this.#answered,
      duplicated: this.#duplicated,
      longestRoundTripMs: this.#longestRoundTripMs,
      longestSilenceMs: this.#longestSilenceMs,
    }
  }

  stop(): void {
    this.#stopped = true
  }

  #send(): void {
    const { ip, payloadBytes, port } = this.#end
    const bytes = new Uint8Array(Math.max(payloadBytes, FLOOD_HEADER_BYTES))
    setU32(bytes, 0, this.#sent)
    setU32(bytes, 4, Math.trunc(performance.now() * 1000) >>> 0)
    // What the kernel refuses is lost like what the network loses: it is not answered.
    this.#socket.send(bytes, port, ip, () => undefined)
    this.#counts[FLOOD_SENT] = ++this.#sent
  }

  #hear(bytes: Uint8Array): void {
    if (bytes.length < FLOOD_HEADER_BYTES) return
    const now = performance.now()
    const sequence = u32(bytes, 0)
    this.#longestSilenceMs = Math.max(this.#longestSilenceMs, now - this.#lastHeard)
    this.#lastHeard = now
    const elapsedUs = (Math.trunc(now * 1000) - u32(bytes, 4)) >>> 0
    this.#longestRoundTripMs = Math.max(this.#longestRoundTripMs, elapsedUs / 1000)
    if (this.#seen[sequence] === true) this.#duplicated++
    else this.#counts[FLOOD_ANSWERED] = ++this.#answered
    this.#seen[sequence] = true
  }
}
