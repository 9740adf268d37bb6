/** A container as the compliance cases see it: an interface as frames, and nobody behind it. */
import type { Ip, Mac } from '@weft/core'
import type { Attachment } from '@weft/dataplane'
import type { LabEndpoint, LabInterface } from '@weft/dataplane/compliance'
import { Nftables } from '@weft/linux'
import { Container } from './container.ts'
import type { FrameTap } from './frame-tap.ts'

/** Answer no ARP, whoever asks. What the kernel would send by IP, the firewall drops. */
const SILENT = { 'net.ipv4.conf.all.arp_ignore': '8' }

/**
 * A container whose own network stack neither hears nor speaks, so that what crosses its interface
 * is what a case sent. Invariant: frames are heard from the moment there is an interface.
 */
export class NetnsEndpoint implements LabEndpoint {
  readonly mac: Mac
  readonly addresses: readonly Ip[]
  readonly container: Container
  readonly #tap: FrameTap
  #gone = false

  constructor(name: string, face: LabInterface) {
    this.mac = face.mac
    this.addresses = face.addresses
    this.container = Container.open(name, { settings: SILENT })
    silence(this.container)
    this.#tap = this.container.listen()
  }

  get attachment(): Attachment {
    return this.container.attachment
  }

  async transmit(frame: Uint8Array): Promise<void> {
    const link = this.#gone ? null : this.container.facts()?.link
    if (link?.up === true) this.#tap.send(frame, link.index)
  }

  async received(): Promise<readonly Uint8Array[]> {
    if (this.#gone) return []
    return (await this.#tap.take()).map((frame) => frame.bytes)
  }

  async mtuBytes(): Promise<number | null> {
    return this.#gone ? null : (this.container.facts()?.link.mtuBytes ?? null)
  }

  async vanish(): Promise<void> {
    await this.close()
  }

  /** Interfaces that are still inside, besides the loopback. */
  leftInside(): readonly string[] {
    if (this.#gone) return []
    const links = this.container.netns.kernel.links.list()
    return links.map((link) => link.name).filter((name) => name !== 'lo')
  }

  /** Idempotent. */
  async close(): Promise<void> {
    if (this.#gone) return
    this.#gone = true
    await this.#tap.close()
    await this.container.close()
  }
}

function silence(container: Container): void {
  const drop = { priority: 0, policy: 'drop', rules: [] } as const
  using firewall = Nftables.open(container.netns.kernel.namespace.fd)
  firewall.replaceTable({
    family: 'inet',
    name: 'lab-silence',
    chains: [
      { name: 'hear', hook: 'prerouting', ...drop },
      { name: 'speak', hook: 'output', ...drop },
    ],
  })
}
