/** How compliance cases see and disturb the encryption of a lab's networks. */
import { randomBytes } from 'node:crypto'
import { ipFamily, parseMac, setU32, u16, u32, type Ip, type SocketAddress } from '@weft/core'
import type { LabNode, LabSealing, SealedEnds } from '@weft/dataplane/compliance'
import type { EspOptions } from '@weft/dataplane-userspace'
import { DOCKER_PROFILE, NetworkKey, spiOf } from '@weft/encryption'
import { openRawSocket } from '@weft/linux'
import {
  dissect,
  ENTROPY_PORT_MIN,
  ethernet,
  IP_PROTOCOL,
  ipv4,
  ipv6,
  layerOf,
  udp,
  udpFrame,
} from '@weft/wire'
import { labError } from './lab-errors.ts'
import { openEsp, sealEsp, type EspSecret } from './esp-packet.ts'
import { sendDatagram } from './send-datagram.ts'

const KEY_BYTES = 16
const IV_BYTES = 8
/** Of no importance: what is sealed goes where its IP header says. */
const ANY_MAC = parseMac('02:00:5e:00:53:01')

/** What a lab's encryption is made of. */
export interface LabSealingParts {
  /** Alike on all nodes, as the userspace backend takes it. */
  readonly esp: EspOptions
  readonly guarded: boolean
  /** The underlay namespace of a node. */
  readonly namespaceOf: (node: LabNode) => number
}

/**
 * The keys of one lab, and all that somebody could do with them on the underlay. A key's bytes
 * follow from its number. Invariant: no two packets that are made have one vector.
 */
export class CaseSealing implements LabSealing {
  readonly guarded: boolean
  readonly extraBytes: number
  readonly #parts: LabSealingParts
  readonly #numbers = new Set<number>()
  /** Where a run of packets comes from: each lab is a sender of its own. */
  readonly #mask = randomBytes(IV_BYTES)
  #sequence = 0

  constructor(parts: LabSealingParts) {
    this.#parts = parts
    this.guarded = parts.guarded
    this.extraBytes = parts.esp.path === 'udp' ? udp.headerLength : 0
  }

  key(number: number, otherwise?: 'of other bytes'): NetworkKey {
    this.#numbers.add(number)
    const bytes = bytesOf(number, otherwise !== undefined)
    return new NetworkKey({ lamportTime: BigInt(number), bytes })
  }

  packet(frame: Uint8Array): Uint8Array | null {
    const layers = dissect(frame)
    const esp = layerOf(layers, 'esp')
    const end = layers.at(-1)?.end
    return esp === undefined || end === undefined ? null : frame.slice(esp.start, end)
  }

  open(frame: Uint8Array): Uint8Array | null {
    const packet = this.packet(frame)
    const layers = dissect(frame)
    const ip = layerOf(layers, 'ipv4') ?? layerOf(layers, 'ipv6')
    if (packet === null || ip === undefined) return null
    const { destination, source } = ip.header
    for (const secret of this.#secrets(source, destination)) {
      const datagram = openEsp(secret, packet)
      if (datagram !== null) return clearFrame(frame, { source, destination }, datagram)
    }
    return null
  }

  seal({ from, key, to }: SealedEnds, payload: Uint8Array): Uint8Array {
    const frame = udpFrame(
      { sourceMac: ANY_MAC, destinationMac: ANY_MAC, source: from.ip, destination: to.ip },
      { sourcePort: ENTROPY_PORT_MIN, destinationPort: to.port, payload },
    )
    const ip = ipFamily(from.ip) === 4 ? ipv4 : ipv6
    const datagram = frame.subarray(ethernet.headerLength + ip.headerLength)
    const sequence = ++this.#sequence
    const iv = Uint8Array.from(this.#mask)
    setU32(iv, IV_BYTES - 4, (u32(iv, IV_BYTES - 4) ^ sequence) >>> 0)
    const secret = secretOf(from.ip, to.ip, { number: key, isOther: false })
    return sealEsp(secret, { sequence, iv }, datagram)
  }

  async inject(from: LabNode, to: LabNode, packet: Uint8Array): Promise<void> {
    const { esp, namespaceOf } = this.#parts
    const namespace = namespaceOf(from)
    if (esp.path === 'ip') return sendRaw(namespace, packet, to.tunnel)
    const path = { namespace, from: { ...from.tunnel, port: 0 } }
    await sendDatagram({ ...path, to: { ...to.tunnel, port: esp.port } }, packet)
  }

  #secrets(source: Ip, destination: Ip): readonly EspSecret[] {
    return [...this.#numbers].flatMap((number) =>
      [false, true].map((isOther) => secretOf(source, destination, { number, isOther })),
    )
  }
}

function bytesOf(number: number, isOther: boolean): Uint8Array {
  return new Uint8Array(KEY_BYTES).fill(isOther ? 0xff - number : number)
}

function secretOf(
  source: Ip,
  destination: Ip,
  { isOther, number }: { readonly number: number; readonly isOther: boolean },
): EspSecret {
  const ends = { source, destination, tag: number }
  return { spi: spiOf(ends, DOCKER_PROFILE.spiGeneration), key: bytesOf(number, isOther) }
}

/** The frame that would have been sent in the clear. */
function clearFrame(
  frame: Uint8Array,
  ends: { readonly source: Ip; readonly destination: Ip },
  datagram: Uint8Array,
): Uint8Array | null {
  if (udp.check(datagram, 0, datagram.length) !== null) return null
  const { destination: destinationMac, source: sourceMac } = ethernet.decode(frame, 0)
  const payload = datagram.slice(udp.headerLength, udp.payloadEnd(datagram, 0))
  const [sourcePort, destinationPort] = [u16(datagram, 0), udp.destinationPort(datagram, 0)]
  return udpFrame({ sourceMac, destinationMac, ...ends }, { sourcePort, destinationPort, payload })
}

async function sendRaw(
  namespace: number,
  packet: Uint8Array,
  { ip }: SocketAddress,
): Promise<void> {
  const options = { namespace, family: ipFamily(ip), protocol: IP_PROTOCOL.esp }
  const socket = openRawSocket(options, () => undefined)
  try {
    const refusal = socket.send(packet, ip)
    if (refusal === null) return
    throw labError('ERR_LAB_REQUEST', 'a packet cannot be sent', {
      problem: refusal.diagnostic,
      expected: 'something that the kernel sends',
    })
  } finally {
    await socket.close()
  }
}
