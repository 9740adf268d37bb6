/** Frames between endpoints, and what of them is seen inside containers and on the underlay. */
import { equalBytes, utf8Bytes, type Ip, type SocketAddress } from '@weft/core'
import { dissect, udpFrame, VXLAN_PORT, type Layer } from '@weft/wire'
import type { Check } from './check.ts'
import type { Lab, LabEndpoint, LabLink, LabNode } from './lab.ts'
import { type Placed } from './cluster.ts'
import { addressOfFamily } from './scene.ts'

/** How long something may take in a case before it counts as not happening, in milliseconds. */
export const PATIENCE_MS = 1000
/** How long a case waits for what must not happen, when no later frame can prove it, in ms. */
export const SILENCE_MS = 60
const STEP_MS = 5

/** A tunnel datagram as it crossed the underlay. */
export interface TunnelDatagram {
  readonly from: SocketAddress
  readonly to: SocketAddress
  readonly vni: number
  /** The encapsulated frame. */
  readonly inner: Uint8Array
}

/** What every test frame begins its text with. */
const FRAME_TEXT = 'weft compliance frame'
const FRAME_TEXT_BYTES = utf8Bytes(FRAME_TEXT)

/** How a test frame looks. */
export interface FrameOptions {
  readonly family?: 4 | 6
  readonly sourcePort?: number
  readonly destinationPort?: number
  /** Bytes of the IP packet; shorter than its headers and text is not possible. */
  readonly packetBytes?: number
}

/** Until `holds` is true, let time pass; false when patience ran out. */
export async function eventually(
  lab: Lab,
  holds: () => Promise<boolean> | boolean,
  msMax: number = PATIENCE_MS * (lab.slowness ?? 1),
): Promise<boolean> {
  for (let waited = 0; waited <= msMax; waited += STEP_MS) {
    if (await holds()) return true
    await lab.advance(STEP_MS)
  }
  return false
}

/** Sends numbered frames and remembers everything that was received and captured. */
export class Traffic {
  readonly #lab: Lab
  readonly #check: Check
  readonly #inboxes = new Map<LabEndpoint, Uint8Array[]>()
  readonly #captures = new Map<string, { link: LabLink; frames: Uint8Array[] }>()
  #sent = 0

  constructor(lab: Lab, check: Check) {
    this.#lab = lab
    this.#check = check
  }

  /** A UDP packet between two endpoints, unlike any other of this case. */
  frame(from: Placed, to: Placed, options: FrameOptions = {}): Uint8Array {
    const family = options.family ?? (from.addresses[0]?.includes(':') === true ? 6 : 4)
    const headers = (family === 4 ? 20 : 40) + 8
    const text = `${FRAME_TEXT} ${++this.#sent} `
    const length = Math.max((options.packetBytes ?? 0) - headers, text.length)
    const payload = Uint8Array.from({ length }, (_, i) => text.charCodeAt(i % text.length))
    const envelope = {
      sourceMac: from.mac,
      destinationMac: to.mac,
      source: addressOfFamily(from, family),
      destination: addressOfFamily(to, family),
    }
    const { sourcePort = 40_000, destinationPort = 9 } = options
    return udpFrame(envelope, { sourcePort, destinationPort, payload })
  }

  /** Frames are sent as given. */
  async send(from: Placed, frame: Uint8Array): Promise<void> {
    await from.inside.transmit(frame)
  }

  /** All that an endpoint has received so far. */
  async inbox({ inside }: Pick<Placed, 'inside'>): Promise<readonly Uint8Array[]> {
    const frames = this.#inboxes.get(inside) ?? []
    this.#inboxes.set(inside, frames)
    frames.push(...(await inside.received()))
    return frames
  }

  /** Whether this very frame was received so far, and how often. */
  async countOf(frame: Uint8Array, at: Pick<Placed, 'inside'>): Promise<number> {
    return (await this.inbox(at)).filter((got) => equalBytes(got, frame)).length
  }

  /** A frame goes from one endpoint to the other, whole, once. */
  async expectReaches(from: Placed, to: Placed, options: FrameOptions = {}): Promise<Uint8Array> {
    const frame = this.frame(from, to, options)
    await this.send(from, frame)
    await this.expectArrival(frame, to, `${nameOf(from)} reaches ${nameOf(to)}`)
    return frame
  }

  /** This very frame arrives, once. */
  async expectArrival(frame: Uint8Array, at: Placed, what: string): Promise<void> {
    const arrived = await eventually(this.#lab, async () => (await this.countOf(frame, at)) > 0)
    this.#check.ok(arrived, what)
    this.#check.equal(await this.countOf(frame, at), 1, `${what}, once`)
  }

  /** None of these endpoints has received the frame; call after something later has arrived. */
  async expectNowhere(frame: Uint8Array, at: readonly Placed[], what: string): Promise<void> {
    for (const endpoint of at) {
      const count = await this.countOf(frame, endpoint)
      this.#check.equal(count, 0, `${what}: copies at ${nameOf(endpoint)}`)
    }
  }

  /** Begin, or go on, to watch the underlay between two nodes. */
  async underlay(a: LabNode, b: LabNode): Promise<readonly Uint8Array[]> {
    const key = [a.name, b.name].sort().join('|')
    const known = this.#captures.get(key) ?? { link: this.#lab.link(a, b), frames: [] }
    this.#captures.set(key, known)
    known.frames.push(...(await known.link.captured()))
    return known.frames
  }

  /** Tunnel datagrams that crossed between two nodes so far, those inside of ESP among them. */
  async tunnelled(a: LabNode, b: LabNode, port = VXLAN_PORT): Promise<readonly TunnelDatagram[]> {
    const frames = await this.underlay(a, b)
    const { sealing } = this.#lab
    return frames.flatMap((frame) => {
      const opened = sealing?.open(frame) ?? frame
      return tunnelDatagram(opened, port) ?? []
    })
  }

  /** Packets of ESP that crossed between two nodes so far. */
  async sealed(a: LabNode, b: LabNode): Promise<readonly Uint8Array[]> {
    const frames = await this.underlay(a, b)
    return frames.flatMap((frame) => this.#lab.sealing?.packet(frame) ?? [])
  }

  /** The datagram that carried this very frame; waits for it. */
  async expectTunnelled(
    frame: Uint8Array,
    { nodes, port = VXLAN_PORT }: { nodes: readonly [LabNode, LabNode]; port?: number },
  ): Promise<TunnelDatagram> {
    let found: TunnelDatagram | undefined
    await eventually(this.#lab, async () => {
      const all = await this.tunnelled(...nodes, port)
      found = all.find(({ inner }) => equalBytes(inner, frame))
      return found !== undefined
    })
    return this.#check.some(found, `a datagram to port ${port} that carries the frame`)
  }

  /** No datagram has carried this frame. */
  async expectNotTunnelled(
    frame: Uint8Array,
    nodes: readonly [LabNode, LabNode],
    what: string,
  ): Promise<void> {
    const carried = (await this.tunnelled(...nodes)).some(({ inner }) => equalBytes(inner, frame))
    this.#check.ok(!carried, what)
  }
}

/** Whether the text of a test frame can be read anywhere in these bytes. */
export function showsFrame(bytes: Uint8Array): boolean {
  const { length } = FRAME_TEXT_BYTES
  const [first = 0] = FRAME_TEXT_BYTES
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (equalBytes(bytes.subarray(at, at + length), FRAME_TEXT_BYTES)) return true
  }
  return false
}

/** How a case names an endpoint to people. */
export function nameOf({ network, name, node }: Placed): string {
  return `${network}/${name} on ${node.name}`
}

/** The tunnel datagram in an underlay frame; null when it is something else. */
export function tunnelDatagram(frame: Uint8Array, vxlanPort: number): TunnelDatagram | null {
  const layers: readonly Layer[] = dissect(frame, { vxlanPort })
  const [, ip, udp, vxlan] = layers
  if (ip?.kind !== 'ipv4' && ip?.kind !== 'ipv6') return null
  if (udp?.kind !== 'udp' || vxlan?.kind !== 'vxlan') return null
  const address = (address: Ip, port: number): SocketAddress => ({ ip: address, port })
  return {
    from: address(ip.header.source, udp.header.sourcePort),
    to: address(ip.header.destination, udp.header.destinationPort),
    vni: vxlan.header.vni,
    inner: frame.slice(vxlan.end, udp.start + udp.header.length),
  }
}
