/** A container as the compliance cases see it: an interface as frames, and nobody behind it. */
import type { LabEndpoint, LabInterface } from '@weft/dataplane/compliance'
import { Nftables, type Link } from '@weft/linux'
import { Container } from './container.ts'

/** Answer no ARP, whoever asks. What the kernel would send by IP, the firewall drops. */
const SILENT = { 'net.ipv4.conf.all.arp_ignore': '8' }

/** An endpoint with what only the lab sees of it. */
export interface NetnsEndpoint extends LabEndpoint {
  readonly container: Container
  /** Interfaces that are still inside, besides the loopback. */
  leftInside(): readonly string[]
  /** Idempotent. */
  close(): Promise<void>
}

/**
 * A container whose own network stack neither hears nor speaks, so that what crosses its interface
 * is what a case sent. Frames are heard from the moment there is an interface. A plain object:
 * cases copy it with another attachment. Throws ERR_KERNEL.
 */
export function openNetnsEndpoint(name: string, face: LabInterface): NetnsEndpoint {
  const container = Container.open(name, { settings: SILENT })
  silence(container)
  const tap = container.listen()
  const { links } = container.netns.kernel
  let gone = false
  const close = async (): Promise<void> => {
    if (gone) return
    gone = true
    await tap.close()
    await container.close()
  }
  return {
    container,
    mac: face.mac,
    addresses: face.addresses,
    attachment: container.attachment,
    transmit: async (frame) => {
      const link = gone ? null : links.get(container.ifname)
      if (link?.up === true) tap.send(frame, link.index)
    },
    received: async () => (gone ? [] : (await tap.take()).map((frame) => frame.bytes)),
    mtuBytes: async () => (gone ? null : (links.get(container.ifname)?.mtuBytes ?? null)),
    leftInside: () => (gone ? [] : namesBesideLoopback(links.list())),
    vanish: close,
    close,
  }
}

function namesBesideLoopback(links: readonly Link[]): readonly string[] {
  return links.map((link) => link.name).filter((name) => name !== 'lo')
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
