/** Hosts and containers made of namespaces, and all that was made in them gone at once. */
import { parseInterfaceAddress, parseIp, type Ip } from '@weft/core'
import { Kernel } from '../kernel.ts'
import { createNamespace, deleteNamespace, listNamespaces } from '../named-namespaces.ts'

/** A host: a namespace with an underlay address on `eth0`. */
export interface WorldHost {
  /** Name of its namespace. */
  readonly name: string
  readonly path: string
  readonly kernel: Kernel
  readonly ip: Ip
}

/** What one test makes; `close` after it, whatever became of it. */
export class NamespaceWorld {
  readonly #prefix: string
  readonly #closers: (() => unknown)[] = []
  #count = 0

  /** `label` stands in the name of every namespace made here. */
  constructor(label: string) {
    this.#prefix = `${label}-${process.pid}-`
  }

  /** Do this when the world ends, last registered first. */
  readonly atEnd = (close: () => unknown): void => {
    this.#closers.push(close)
  }

  /** A new namespace with `lo` up; returns its path. */
  readonly scratch = (): string => {
    const name = `${this.#prefix}${++this.#count}`
    return createNamespace({ name }, () => {
      using kernel = Kernel.open()
      kernel.links.change('lo', { up: true })
    })
  }

  /** Hosts 192.0.2.1, .2, … (and fd00:2::1, …) on one link of this MTU. */
  wiredHosts(count: number, mtuBytes = 1500): WorldHost[] {
    const wire = this.#enter(this.scratch())
    const bridge = wire.links.create({ kind: 'bridge', name: 'wire', mtuBytes, up: true })
    return Array.from({ length: count }, (_, i) => {
      const path = this.scratch()
      const kernel = this.#enter(path)
      const peer = { name: 'eth0', mtuBytes, namespaceFd: kernel.namespace.fd }
      const end = { kind: 'veth', name: `h${i}`, mtuBytes, masterIndex: bridge, up: true } as const
      const port = wire.links.create({ ...end, peer })
      const linkIndex = kernel.links.require('eth0').index
      kernel.links.change(linkIndex, { up: true })
      for (const text of [`192.0.2.${i + 1}/24`, `fd00:2::${i + 1}/64`]) {
        const address = parseInterfaceAddress(text)
        kernel.addresses.apply('create', { linkIndex, address, noDuplicateDetection: true })
      }
      // Reading a link makes its carrier count at once.
      wire.links.get(port)
      kernel.links.get(linkIndex)
      return { name: nameOf(path), path, kernel, ip: parseIp(`192.0.2.${i + 1}`) }
    })
  }

  /** End all; namespaces that others named after ours go too. */
  readonly close = async (): Promise<void> => {
    for (const close of this.#closers.splice(0).reverse()) await close()
    for (const name of listNamespaces()) {
      if (name.includes(this.#prefix)) deleteNamespace({ name })
    }
  }

  #enter(path: string): Kernel {
    const kernel = Kernel.open(path)
    this.atEnd(() => kernel.close())
    return kernel
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
