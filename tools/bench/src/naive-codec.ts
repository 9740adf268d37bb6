/**
 * The baseline of the wire benchmark: the usual way, a view object with a DataView for each layer
 * and a sub-array for what is inside. Reads and writes the same fields as our codecs.
 */
import { macFromBytes, type Mac } from '@weft/core'

abstract class View {
  protected readonly bytes: Uint8Array
  protected readonly view: DataView

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }
}

/** Ethernet without tags. */
export class EthernetView extends View {
  static readonly headerBytes = 14
  valid(): boolean {
    return this.bytes.length >= EthernetView.headerBytes
  }
  get destination(): Mac {
    return macFromBytes(this.bytes, 0)
  }
  get source(): Mac {
    return macFromBytes(this.bytes, 6)
  }
  get etherType(): number {
    return this.view.getUint16(12)
  }
  payload(): Uint8Array {
    return this.bytes.subarray(EthernetView.headerBytes)
  }
}

/** IPv4 without options. */
export class Ipv4View extends View {
  valid(): boolean {
    if (this.bytes.length < 20 || this.view.getUint8(0) !== 0x45) return false
    if (this.totalLength > this.bytes.length) return false
    let sum = 0
    for (let at = 0; at < 20; at += 2) sum += this.view.getUint16(at)
    return ((sum & 0xffff) + (sum >>> 16)) % 0xffff === 0
  }
  get totalLength(): number {
    return this.view.getUint16(2)
  }
  get ttl(): number {
    return this.view.getUint8(8)
  }
  get protocol(): number {
    return this.view.getUint8(9)
  }
  get source(): string {
    return this.bytes.subarray(12, 16).join('.')
  }
  get destination(): string {
    return this.bytes.subarray(16, 20).join('.')
  }
  payload(): Uint8Array {
    return this.bytes.subarray(20, this.totalLength)
  }
}

/** UDP. */
export class UdpView extends View {
  valid(): boolean {
    return this.bytes.length >= 8 && this.length >= 8 && this.length <= this.bytes.length
  }
  get length(): number {
    return this.view.getUint16(4)
  }
  get sourcePort(): number {
    return this.view.getUint16(0)
  }
  get destinationPort(): number {
    return this.view.getUint16(2)
  }
  payload(): Uint8Array {
    return this.bytes.subarray(8, this.length)
  }
}

/** VXLAN. */
export class VxlanView extends View {
  valid(): boolean {
    return this.bytes.length >= 8 && (this.view.getUint8(0) & 8) !== 0
  }
  get vni(): number {
    return this.view.getUint32(4) >>> 8
  }
  payload(): Uint8Array {
    return this.bytes.subarray(8)
  }
}

/** The views of a whole encapsulated frame, outermost first. */
export interface FrameViews {
  readonly outer: { ethernet: EthernetView; ip: Ipv4View; udp: UdpView }
  readonly vxlan: VxlanView
  readonly inner: { ethernet: EthernetView; ip: Ipv4View; udp: UdpView }
}

function stack(bytes: Uint8Array): { ethernet: EthernetView; ip: Ipv4View; udp: UdpView } {
  const ethernet = new EthernetView(bytes)
  const ip = new Ipv4View(ethernet.payload())
  return { ethernet, ip, udp: new UdpView(ip.payload()) }
}

/** Views of all layers. */
export function frameViews(bytes: Uint8Array): FrameViews {
  const outer = stack(bytes)
  const vxlan = new VxlanView(outer.udp.payload())
  return { outer, vxlan, inner: stack(vxlan.payload()) }
}
