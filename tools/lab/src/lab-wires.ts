/** The wires between hosts: what arrived over them, and cutting and healing single paths. */
import { ipFromBytes, u16, type Cidr, type Ip, type IpFamily } from '@weft/core'
import { Nftables, type CapturedFrame, type RuleSpec } from '@weft/linux'
import { ETHER_TYPE, ETHERNET_OFFSET, ethernet, IPV4_OFFSET, IPV6_OFFSET } from '@weft/wire'
import { FrameTap } from './frame-tap.ts'
import type { LabHost, Underlay } from './underlay.ts'

const CUTS = { family: 'bridge', name: 'lab-cuts' } as const

/** The kernel's order of two frames. */
function earlier(a: CapturedFrame, b: CapturedFrame): number {
  return a.seconds - b.seconds || a.nanoseconds - b.nanoseconds
}

/**
 * Taps on every host's interface, and the router's knife. Frames are taken where they arrive, so
 * one that was lost on the way is in no capture. Invariant: a frame is handed out once.
 */
export class LabWires {
  readonly #router: Nftables
  readonly #taps: FrameTap[] = []
  readonly #hostOf = new Map<Ip, string>()
  readonly #arrived = new Map<string, CapturedFrame[]>()
  readonly #cut = new Map<string, readonly [LabHost, LabHost]>()

  constructor(underlay: Underlay) {
    this.#router = Nftables.open(underlay.router.kernel.namespace.fd)
  }

  /** Listen to a host's interface from now on. Throws ERR_KERNEL. */
  watch(host: LabHost): void {
    for (const ip of Object.values(host.ips)) this.#hostOf.set(ip, host.name)
    const { kernel } = host.netns
    const linkIndex = kernel.links.require(host.ifname).index
    const namespace = kernel.namespace.fd
    this.#taps.push(FrameTap.open({ namespace, linkIndex, incomingOnly: true }))
  }

  /** IP packets that crossed between two hosts since the last call, as frames, in order. */
  async captured(a: LabHost, b: LabHost): Promise<readonly CapturedFrame[]> {
    for (const tap of this.#taps) for (const frame of await tap.take()) this.#sort(frame)
    const frames = this.#arrived.get(pathBetween(a.name, b.name))?.splice(0) ?? []
    return frames.sort(earlier)
  }

  /** Frames that the taps lost for want of room. */
  lost(): number {
    return this.#taps.reduce((sum, tap) => sum + tap.counters().dropped, 0)
  }

  /** Lose every IP packet between two hosts, both ways. Throws ERR_KERNEL. */
  cut(a: LabHost, b: LabHost): void {
    this.#cut.set(pathBetween(a.name, b.name), [a, b])
    this.#program()
  }

  /** Undo `cut`. Throws ERR_KERNEL. */
  heal(a: LabHost, b: LabHost): void {
    this.#cut.delete(pathBetween(a.name, b.name))
    this.#program()
  }

  /** Stop listening; cuts go with the router. */
  async close(): Promise<void> {
    this.#router.close()
    await Promise.all(this.#taps.splice(0).map((tap) => tap.close()))
  }

  #sort(frame: CapturedFrame): void {
    const ends = endsOf(frame.bytes)
    const from = ends === null ? undefined : this.#hostOf.get(ends.source)
    const to = ends === null ? undefined : this.#hostOf.get(ends.destination)
    if (from === undefined || to === undefined) return
    const path = pathBetween(from, to)
    const frames = this.#arrived.get(path)
    if (frames === undefined) this.#arrived.set(path, [frame])
    else frames.push(frame)
  }

  /** Every frame enters the router by a bridge port, whether it is bridged or routed on. */
  #program(): void {
    const bothWays = [...this.#cut.values()].flatMap(([a, b]) => [[a, b] as const, [b, a] as const])
    const rules = bothWays.flatMap(([from, to]) => dropRules(from, to))
    if (rules.length === 0) {
      this.#router.deleteTable(CUTS)
      return
    }
    const chain = { name: 'cut', hook: 'prerouting', priority: 0, policy: 'accept', rules } as const
    this.#router.replaceTable({ ...CUTS, chains: [chain] })
  }
}

function pathBetween(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`
}

function dropRules(from: LabHost, to: LabHost): RuleSpec[] {
  const families: readonly IpFamily[] = [4, 6]
  return families.map((family) => ({
    matches: [
      { on: 'source', cidr: single(from.ips[family], family) },
      { on: 'destination', cidr: single(to.ips[family], family) },
    ],
    counter: true,
    verdict: 'drop',
  }))
}

function single(ip: Ip, family: IpFamily): Cidr {
  return `${ip}/${family === 4 ? 32 : 128}` as Cidr
}

/** Source and destination of the IP packet in a frame; null when there is none. */
function endsOf(bytes: Uint8Array): { readonly source: Ip; readonly destination: Ip } | null {
  if (ethernet.check(bytes, 0, bytes.length) !== null) return null
  const etherType = u16(bytes, ETHERNET_OFFSET.type)
  const at = ethernet.payloadStart(bytes, 0)
  const read = (offset: { source: number; destination: number }, family: IpFamily) => ({
    source: ipFromBytes(bytes, at + offset.source, family),
    destination: ipFromBytes(bytes, at + offset.destination, family),
  })
  if (etherType === ETHER_TYPE.ipv4 && bytes.length >= at + 20) return read(IPV4_OFFSET, 4)
  if (etherType === ETHER_TYPE.ipv6 && bytes.length >= at + 40) return read(IPV6_OFFSET, 6)
  return null
}
