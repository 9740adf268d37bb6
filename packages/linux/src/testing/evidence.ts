/** What can be seen from outside: whether datagrams arrive, and what a process holds open. */
import { createSocket } from 'node:dgram'
import { readdirSync } from 'node:fs'
import { parseIp } from '@weft/core'
import { openUdpSocket } from '../sockets.ts'

/** Long enough to believe that nothing comes, on a busy machine too, in milliseconds. */
const SILENCE_MS = 2000

/** True when a datagram from one namespace reaches an address of another. */
export async function reaches(from: string, to: string, ip: string): Promise<boolean> {
  const type = ip.includes(':') ? 'udp6' : 'udp4'
  const any = parseIp(type === 'udp6' ? '::' : '0.0.0.0')
  const [sender, receiver] = [createSocket(type), createSocket(type)]
  try {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    receiver.on('message', () => resolve(true))
    receiver.bind({ fd: openUdpSocket({ namespace: to, local: { ip: parseIp(ip), port: 9 } }) })
    sender.bind({ fd: openUdpSocket({ namespace: from, local: { ip: any, port: 0 } }) })
    sender.on('error', () => resolve(false))
    const timer = setTimeout(() => resolve(false), SILENCE_MS)
    sender.send('hello', 9, ip)
    const arrived = await promise
    clearTimeout(timer)
    return arrived
  } finally {
    sender.close()
    receiver.close()
  }
}

/** Open descriptors of this process. */
export function openFds(): number {
  return readdirSync('/proc/self/fd').length
}
