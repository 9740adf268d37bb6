/** Measuring with iperf3 between two namespaces. */
import { readFileSync } from 'node:fs'
import { run, runAside } from './commands.ts'
import type { OverlayPath } from './overlay-by-hand.ts'

const SECONDS = 2
/** Ethernet's smallest frame leaves 18 bytes of UDP payload: 14 + 20 + 8 + 18 + 4 = 64. */
const SMALL_PAYLOAD_BYTES = 18
/**
 * Asked of sockets for small packets. The usual 208 KiB are full after 277 of them, and what is
 * lost then is lost by a receiver that waits for the processor, not by the network.
 */
const SOCKET_BUFFER_BYTES = 4 << 20

/** A TCP stream that is over. */
export interface StreamResult {
  /** What arrived, a second. */
  readonly gigabitsPerSecond: number
  readonly gigabits: number
  /** Processor time of both ends, in seconds; of what the kernel did meanwhile most is in it. */
  readonly cpuSeconds: number
}

/** One TCP stream, as fast as it goes. */
export async function tcpStream(path: OverlayPath): Promise<StreamResult> {
  const { cpu_utilization_percent: cpu, sum_received: received } = (await iperf(path, [])).end
  const { bits_per_second: rate = 0, seconds = 0 } = received ?? {}
  const percent = (cpu?.host_total ?? 0) + (cpu?.remote_total ?? 0)
  const gigabitsPerSecond = rate / 1e9
  const gigabits = gigabitsPerSecond * seconds
  return { gigabitsPerSecond, gigabits, cpuSeconds: (percent / 100) * seconds }
}

/** Gbit/s of one TCP stream. */
export async function tcpRate(path: OverlayPath): Promise<number> {
  const { gigabitsPerSecond } = await tcpStream(path)
  return gigabitsPerSecond
}

/** Thousands of smallest packets a second that arrived, not that were sent. */
export async function smallPacketRate(path: OverlayPath): Promise<number> {
  const { arrived } = await smallPackets(path, 0)
  return arrived
}

/** iperf3 refuses to ask for more than it is granted. */
function socketBufferBytes(): number {
  const limits = ['rmem_max', 'wmem_max'].map((name) => {
    return Number(readFileSync(`/proc/sys/net/core/${name}`, 'latin1'))
  })
  return Math.min(SOCKET_BUFFER_BYTES, ...limits)
}

/** Thousands of smallest packets a second, offered and arrived. */
export interface PacketRates {
  readonly offered: number
  readonly arrived: number
}

/** Offer smallest packets at a rate, in thousands a second; 0: as fast as they can be made. */
export async function smallPackets(
  path: OverlayPath,
  kpps: number,
  seconds = SECONDS,
): Promise<PacketRates> {
  const bitrate = String(Math.round(kpps * 1e3 * SMALL_PAYLOAD_BYTES * 8))
  const packets = ['--bitrate', bitrate, '--length', String(SMALL_PAYLOAD_BYTES)]
  const words = ['--udp', ...packets, '--window', String(socketBufferBytes())]
  const { sum } = (await iperf(path, words, seconds)).end
  const { packets: sent = 0, lost_packets: lost = 0, seconds: took = seconds } = sum ?? {}
  return { offered: sent / took / 1e3, arrived: (sent - lost) / took / 1e3 }
}

interface IperfResult {
  readonly end: {
    readonly sum_received?: { readonly bits_per_second: number; readonly seconds: number }
    readonly cpu_utilization_percent?: {
      readonly host_total: number
      readonly remote_total: number
    }
    readonly sum?: {
      readonly packets?: number
      readonly lost_packets?: number
      readonly seconds?: number
    }
  }
}

async function iperf(
  path: OverlayPath,
  words: readonly string[],
  seconds = SECONDS,
): Promise<IperfResult> {
  const inside = (namespace: string): readonly string[] => ['netns', 'exec', namespace, 'iperf3']
  const server = runAside(['ip', ...inside(path.server), '--server', '--one-off'])
  awaitListener(path.server)
  const client = ['--client', path.address, '--time', String(seconds), '--json', ...words]
  const output = await runAside(['ip', ...inside(path.client), ...client])
  await server
  return JSON.parse(output) as IperfResult
}

const IPERF_PORT = 5201
const LISTENER_TRIES_MAX = 500

/** Look until the server listens; each look is a program's run, so it takes its time by itself. */
function awaitListener(namespace: string): void {
  for (let tries = 0; tries < LISTENER_TRIES_MAX; tries++) {
    const tables = ['/proc/net/tcp', '/proc/net/tcp6']
    const sockets = run(['ip', 'netns', 'exec', namespace, 'cat', ...tables])
    const port = IPERF_PORT.toString(16).toUpperCase().padStart(4, '0')
    if (new RegExp(`:${port} [0-9A-F]+:0000 0A`).test(sockets)) return
  }
  throw new Error('iperf3 does not listen')
}
