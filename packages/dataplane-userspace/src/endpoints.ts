/** The local endpoints that are plugged in: TAPs in containers, and cards in this process. */
import { PORT_OFFLOAD } from './engine/packet-view.ts'
import {
  itemPath,
  missingError,
  type AcceptedNetwork,
  type EndpointId,
  type FramePort,
  type NetnsAttachment,
  type NetworkId,
  type PlacedEndpoint,
  type SubnetSpec,
} from '@weft/dataplane'
import type { Tap, TapOffload } from '@weft/linux'
import type { Host } from './host.ts'
import { endpointMark } from './mark.ts'
import type { SwitchThread } from './switch-thread.ts'
import {
  makeInterface,
  mendInterface,
  readInterface,
  type InterfaceReading,
  type InterfaceSpec,
} from './tap-interface.ts'

/** One endpoint that is plugged in. */
export interface PluggedEndpoint {
  readonly network: NetworkId
  readonly endpoint: EndpointId
  /** Its number at the switch. */
  readonly port: number
  /** Bits of PORT_OFFLOAD. */
  readonly offloads: number
  readonly placed: PlacedEndpoint
  readonly end: TapEnd | CardEnd
}

/** An interface inside a container. */
interface TapEnd {
  readonly kind: 'netns'
  /** With the identity of the namespace that the interface was put into. */
  readonly attachment: NetnsAttachment
  readonly tap: Tap
}

/** An in-process network card. */
interface CardEnd {
  readonly kind: 'port'
  readonly card: FramePort
}

/** Which endpoint, and what it should be. */
export interface EndpointTask {
  readonly network: NetworkId
  readonly endpoint: EndpointId
  readonly to: PlacedEndpoint
  readonly spec: AcceptedNetwork
}

/** Offloads as the engine has them. */
const OFFLOAD_BITS: { readonly [offload in TapOffload]: number } = {
  checksum: PORT_OFFLOAD.checksum,
  tcp4: PORT_OFFLOAD.tcp4,
  tcp6: PORT_OFFLOAD.tcp6,
  udp: PORT_OFFLOAD.udp,
}

/** Bits of PORT_OFFLOAD for what a TAP was granted. */
export function offloadBits(offloads: readonly TapOffload[]): number {
  return offloads.reduce((bits, offload) => bits | OFFLOAD_BITS[offload], 0)
}

/**
 * Invariant: what is in here has its end open. A number is given again only after the switch was
 * loaded without it: else an endpoint would find itself in the subnet of its predecessor.
 */
export class Endpoints {
  readonly #host: Host
  readonly #thread: SwitchThread
  readonly #offloads: readonly TapOffload[]
  readonly #plugged = new Map<string, PluggedEndpoint>()
  /** By port; null where the switch's tables may still speak of one that was unplugged. */
  readonly #byPort: (PluggedEndpoint | null | undefined)[] = []

  constructor(host: Host, thread: SwitchThread, offloads: readonly TapOffload[]) {
    this.#host = host
    this.#thread = thread
    this.#offloads = offloads
  }

  get all(): Iterable<PluggedEndpoint> {
    return this.#plugged.values()
  }

  get(network: NetworkId, endpoint: EndpointId): PluggedEndpoint | undefined {
    return this.#plugged.get(itemPath.local(network, endpoint))
  }

  /** Endpoints whose card is gone for good. */
  withoutCard(): PluggedEndpoint[] {
    return [...this.#plugged.values()].filter(({ end }) => end.kind === 'port' && !end.card.present)
  }

  /** Bring an endpoint to what it should be, in place where its end can stay. */
  async plugIn(task: EndpointTask): Promise<void> {
    const known = this.get(task.network, task.endpoint)
    if (known === undefined) return this.#make(task)
    if (!canStay(known, task.to)) {
      await this.unplug(known)
      return this.#make(task)
    }
    this.mend(known, task, [])
  }

  /**
   * Put an interface right that is there, after its network changed. `gone` are subnets as they
   * were. Throws ERR_KERNEL, ERR_ATTACHMENT_MISSING.
   */
  mend(known: PluggedEndpoint, { spec, to }: EndpointTask, gone: readonly SubnetSpec[]): void {
    this.#keep({ ...known, placed: to })
    const { end, endpoint, network } = known
    if (end.kind === 'port') return
    const item = itemPath.local(network, endpoint)
    mendInterface({ ...this.#interfaceOf({ network, endpoint, to, spec }, end), item }, gone)
  }

  /** Take an endpoint away; resolves when nothing of it is left. */
  async unplug({ end, endpoint, network, port }: PluggedEndpoint): Promise<void> {
    this.#plugged.delete(itemPath.local(network, endpoint))
    if (end.kind === 'port') end.card.connect(null)
    await this.#thread.unplug(port)
    this.#byPort[port] = null
    if (end.kind === 'netns') end.tap.close()
  }

  /** A frame for an in-process card. */
  deliver(port: number, frame: Uint8Array): void {
    const end = this.#byPort[port]?.end
    if (end?.kind === 'port' && end.card.present) end.card.deliver(frame)
  }

  /** What the machine has of an endpoint; null when its end is gone. */
  read(known: PluggedEndpoint, subnets: readonly SubnetSpec[]): InterfaceReading | null {
    const { end, endpoint, network, placed } = known
    if (end.kind === 'netns') {
      const mark = endpointMark(this.#host.options.instance, { network, endpoint })
      return readInterface({ attachment: end.attachment, mark, placed, subnets })
    }
    const { addresses, mac } = placed
    return end.card.present ? { addresses, mac, mtuBytes: 0, sound: true } : null
  }

  /** The one at a port. */
  at(port: number): PluggedEndpoint | null {
    return this.#byPort[port] ?? null
  }

  /** The switch was loaded anew: numbers of what is unplugged can be given again. */
  reusePorts(): void {
    this.#byPort.forEach((plugged, port) => {
      if (plugged === null) this.#byPort[port] = undefined
    })
  }

  /** Close every end; the switch thread has ended. */
  close(): void {
    for (const { end } of this.#plugged.values()) {
      if (end.kind === 'port') end.card.connect(null)
      else end.tap.close()
    }
    this.#plugged.clear()
  }

  async #make(task: EndpointTask): Promise<void> {
    const { attachment: wanted } = task.to
    if (wanted.kind === 'port') return this.#connect(task, wanted.port)
    const item = itemPath.local(task.network, task.endpoint)
    const spec = { ...this.#interfaceOf(task, { attachment: wanted }), item }
    const { attachment, tap } = makeInterface(this.#host, spec, this.#offloads)
    const offloads = offloadBits(tap.offloads)
    const plugged = this.#register(task, { end: { kind: 'netns', attachment, tap }, offloads })
    await this.#thread.plug({ port: plugged.port, fd: tap.fd })
  }

  async #connect(task: EndpointTask, card: FramePort): Promise<void> {
    const { endpoint, network } = task
    if (!card.present) throw missingError(itemPath.local(network, endpoint), 'port')
    const { port } = this.#register(task, { end: { kind: 'port', card }, offloads: 0 })
    await this.#thread.plug({ port, fd: null })
    card.connect((frame) => this.#thread.send(port, frame.slice()))
  }

  #register(task: EndpointTask, made: Pick<PluggedEndpoint, 'end' | 'offloads'>): PluggedEndpoint {
    const { endpoint, network, to: placed } = task
    const free = this.#byPort.indexOf(undefined)
    const port = free < 0 ? this.#byPort.length : free
    const plugged = { network, endpoint, port, placed, ...made }
    this.#keep(plugged)
    return plugged
  }

  #keep(plugged: PluggedEndpoint): void {
    this.#plugged.set(itemPath.local(plugged.network, plugged.endpoint), plugged)
    this.#byPort[plugged.port] = plugged
  }

  #interfaceOf(
    { endpoint, network, spec, to }: EndpointTask,
    { attachment }: Pick<TapEnd, 'attachment'>,
  ): Omit<InterfaceSpec, 'item'> {
    const mark = endpointMark(this.#host.options.instance, { network, endpoint })
    const underlay = this.#host.underlay.namespace.identity
    return { mark, attachment, underlay, placed: to, mtuBytes: spec.mtu, subnets: spec.subnets }
  }
}

/** True when an end can serve as it is: same card, or same interface with the same MAC. */
export function canStay({ end, placed }: PluggedEndpoint, to: PlacedEndpoint): boolean {
  const { attachment } = to
  if (end.kind === 'port') return attachment.kind === 'port' && attachment.port === end.card
  if (attachment.kind !== 'netns' || placed.mac !== to.mac) return false
  const { identity, ifname, path } = end.attachment
  const isMeant = attachment.identity === undefined || attachment.identity === identity
  return isMeant && attachment.path === path && attachment.ifname === ifname
}
