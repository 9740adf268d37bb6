/** A host of an encrypted pair, on the kernel that runs this: a namespace, and its container's. */
import { assert, interfaceAddress, parseCidr } from '@weft/core'
import { isKernelError, Nftables, Xfrm } from '@weft/linux'
import { LabNamespace } from '../lab-namespace.ts'
import { flushAssociations } from '../sabotage-sealing.ts'
import { pairIp, type EncryptedHost, type EncryptedHostSpec } from './encrypted-host.ts'
import { PairDataplane } from './pair-dataplane.ts'
import { PairTraffic } from './pair-traffic.ts'
import { PairWire } from './pair-wire.ts'

/** Link of the host that leads to the other; the wire's end must be given this name. */
export const PAIR_IFNAME = 'eth0'

/** A host on this kernel: first its link is put into its namespace, then it is connected. */
export interface LocalEncryptedHost extends EncryptedHost {
  readonly underlay: LabNamespace
  /** Use the link. Throws ERR_KERNEL. */
  connect(): void
}

/** Make both namespaces; their names begin with `label`. Throws ERR_KERNEL. */
export function localEncryptedHost(spec: EncryptedHostSpec, label: string): LocalEncryptedHost {
  const underlay = LabNamespace.create(`${label}-h${spec.number}`)
  const container = LabNamespace.create(`${label}-c${spec.number}`)
  const traffic = new PairTraffic(spec.number, container.path)
  const places = { underlay: underlay.path, container: container.path }
  const dataplane = new PairDataplane(spec, places)
  let connected: PairWire | null = null
  const wire = (): PairWire => {
    assert(connected !== null, 'the host is connected')
    return connected
  }
  return {
    underlay,
    connect: () => {
      connected = connectTo(spec, underlay)
    },
    open: () => dataplane.open(),
    close: (mode) => dataplane.close(mode),
    apply: (keys) => dataplane.apply(keys),
    changesAgain: async () => (await dataplane.again()).changed,
    items: () => dataplane.items(),
    dropped: () => dataplane.dropped(),
    drifted: async () => dataplane.drifted(),
    pump: async (everyMs) => {
      traffic.pump(everyMs)
    },
    stream: async () => traffic.tally(),
    restream: async () => {
      traffic.restart()
    },
    transfer: (bytes) => traffic.transfer(bytes),
    wire: () => wire().tally(),
    foul: (kind) => wire().foul(kind),
    flush: async () => {
      flushAssociations(underlay.path)
    },
    remains: async () => remainsIn(underlay),
    dispose: async () => {
      await dataplane.close('teardown')
      await connected?.close()
      traffic.close()
      for (const one of [container, underlay]) one.close()
    },
  }
}

function connectTo(spec: EncryptedHostSpec, { kernel, path }: LabNamespace): PairWire {
  const linkIndex = kernel.links.require(PAIR_IFNAME).index
  kernel.links.change(linkIndex, { up: true })
  const address = interfaceAddress(pairIp(spec.number), parseCidr('192.0.2.0/24'))
  kernel.addresses.apply('create', { linkIndex, address })
  return new PairWire(spec, path, linkIndex)
}

function remainsIn({ kernel, path }: LabNamespace): string[] {
  using nft = Nftables.open(path)
  const links = kernel.links.list().map(({ name }) => name)
  return [
    ...links.filter((name) => name !== PAIR_IFNAME && name !== 'lo'),
    ...nft.tables().map(({ name }) => `table ${name}`),
    ...associationsIn(path),
  ]
}

/** States and policies of a namespace; a kernel without IPsec has none. */
function associationsIn(namespace: string): string[] {
  try {
    using xfrm = Xfrm.open(namespace)
    return [
      ...xfrm.states().map(({ spi }) => `state ${spi}`),
      ...xfrm.policies().map(({ direction }) => `policy ${direction}`),
    ]
  } catch (error) {
    if (isKernelError(error, 'EPROTONOSUPPORT')) return []
    throw error
  }
}
