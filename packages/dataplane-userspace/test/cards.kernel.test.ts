/** In-process cards: a Node program that is itself on the network. */
import { parseIp, parseMac, type Ip, type Mac } from '@weft/core'
import type { FramePort } from '@weft/dataplane'
import { arpRequestFrame, dissect, udpFrame, type Layer } from '@weft/wire'
import { openUdpSocket } from '@weft/linux'
import { createSocket } from 'node:dgram'
import { expect, test } from 'vitest'
import {
  desired,
  failuresOf,
  hosts,
  local,
  network,
  remote,
  scratch,
  subnet,
  type TestHost,
} from './world.ts'

const BLUE = subnet(4097, '10.0.1.0/24')
const CARD = { mac: parseMac('02:42:0a:00:01:02'), ip: parseIp('10.0.1.2') }
const WITHIN_MS = 2_000

/** A card that keeps what it gets. */
class TestCard implements FramePort {
  present = true
  readonly frames: Uint8Array[] = []
  #transmit: ((frame: Uint8Array) => void) | null = null
  #waiting: (() => void) | null = null

  get connected(): boolean {
    return this.#transmit !== null
  }

  deliver(frame: Uint8Array): void {
    this.frames.push(frame)
    this.#waiting?.()
  }

  connect(transmit: ((frame: Uint8Array) => void) | null): void {
    this.#transmit = transmit
  }

  send(frame: Uint8Array): void {
    this.#transmit?.(frame)
  }

  /** Wait for a frame that this finds something in. */
  async find<Found>(look: (layers: readonly Layer[]) => Found | undefined): Promise<Found> {
    const deadline = performance.now() + WITHIN_MS
    for (;;) {
      for (const frame of this.frames) {
        const found = look(dissect(frame))
        if (found !== undefined) return found
      }
      if (performance.now() > deadline) throw new Error('the card did not get it')
      await new Promise<void>((resolve) => {
        this.#waiting = resolve
        setTimeout(resolve, WITHIN_MS / 10)
      })
    }
  }
}

interface Stage {
  readonly a: TestHost
  readonly card: TestCard
  readonly container: string
  readonly apply: (present: boolean) => Promise<string[]>
}

/** A card on one host, a container on another. */
async function stage(): Promise<Stage> {
  const [a, b] = hosts(2) as [TestHost, TestHost]
  const [near, far] = [await a.open(), await b.open()]
  const card = new TestCard()
  const container = scratch()
  const attachment = { kind: 'port', port: card } as const
  const endpoint = { mac: CARD.mac, addresses: [CARD.ip], attachment }
  const there = { c2: remote('n2', '10.0.1.3') }
  const apply = async (present: boolean): Promise<string[]> => {
    const here = present ? { card: endpoint } : {}
    const blue = network([BLUE], { local: here, remote: there })
    return failuresOf(await near.apply(desired(a, { blue })))
  }
  const blueB = network([BLUE], {
    local: { c2: local(container, '10.0.1.3') },
    remote: { card: remote('n1', '10.0.1.2') },
  })
  expect(await apply(true)).toEqual([])
  expect(failuresOf(await far.apply(desired(b, { blue: blueB })))).toEqual([])
  return { a, card, container, apply }
}

async function askMac(card: TestCard, ip: Ip): Promise<Mac> {
  card.send(arpRequestFrame(CARD, ip))
  return card.find(([, arp]) =>
    arp?.kind === 'arp' && arp.header.senderIp === ip ? arp.header.senderMac : undefined,
  )
}

test('asks for neighbours, and speaks UDP with a container, checksums complete', async () => {
  const { card, container } = await stage()
  const there = parseIp('10.0.1.3')
  const mac = await askMac(card, there)
  expect(mac).toBe('02:42:0a:00:01:03')
  const fd = openUdpSocket({ namespace: container, local: { ip: there, port: 9 } })
  const socket = createSocket('udp4')
  const heard = new Promise<string>((resolve) => {
    socket.on('message', (text, { address, port }) => {
      resolve(text.toString())
      // Larger than a segment of the MTU may be, so that the kernel's stack fragments nothing.
      socket.send(Buffer.alloc(1400, 'x'), port, address)
    })
  })
  socket.bind({ fd })
  const envelope = {
    sourceMac: CARD.mac,
    destinationMac: mac,
    source: CARD.ip,
    destination: there,
  }
  const payload = new TextEncoder().encode('hello')
  card.send(udpFrame(envelope, { sourcePort: 5000, destinationPort: 9, payload }))
  expect(await heard).toBe('hello')
  const answer = await card.find(([, ip, udp]) =>
    ip?.kind === 'ipv4' && udp?.kind === 'udp' && udp.header.destinationPort === 5000
      ? udp
      : undefined,
  )
  expect(answer).toMatchObject({ checksum: 'good', header: { length: 1408 } })
  socket.close()
})

test('the gateway is answered for', async () => {
  const { card } = await stage()
  expect(await askMac(card, parseIp('10.0.1.1'))).toBe('02:77:65:00:10:01')
})

test('is unplugged when it is not wanted, and when it is gone for good', async () => {
  const { apply, card } = await stage()
  expect(card.connected).toBe(true)
  expect(await apply(false)).toEqual([])
  expect(card.connected).toBe(false)
  expect(await apply(true)).toEqual([])
  expect(card.connected).toBe(true)
  card.present = false
  expect(await apply(true)).toEqual([])
  await expect.poll(() => card.connected, { timeout: WITHIN_MS }).toBe(false)
  expect(await apply(true)).toEqual(['networks/blue/local/card ERR_ATTACHMENT_MISSING'])
})
