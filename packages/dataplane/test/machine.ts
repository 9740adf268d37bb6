/** The obviously right machine that planned changes are carried out on in tests. */
import { formatSocketAddress, ipFamily } from '@weft/core'
import {
  itemPath,
  itemText,
  programmedItems,
  type AcceptedState,
  type Change,
  type ProgrammedState,
} from '../src/index.ts'
import { programmedOf } from '../src/index.ts'

/** Items as `observe` would list them, with attachments, changed step by step. */
export class ItemMachine {
  readonly items: Map<string, string>

  constructor(from: ProgrammedState) {
    this.items = programmedItems(from)
  }

  static of(state: AcceptedState | null): ItemMachine {
    return new ItemMachine(state === null ? { networks: new Map() } : programmedOf(state))
  }

  carryOut(change: Change): void {
    const { network } = change
    if (change.to === null) return this.#remove(change)
    switch (change.kind) {
      case 'network':
        return this.#set(
          itemPath.network(network),
          itemText.network(change.to.encapsulation, change.to.mtu),
        )
      case 'subnet':
        this.#need(itemPath.network(network))
        ipFamily(change.to.tunnel.ip)
        return this.#set(
          itemPath.subnet(network, change.vni),
          itemText.subnet(change.to, change.to.tunnel.port),
        )
      case 'local':
        this.#need(itemPath.subnet(network, change.to.vni))
        return this.#set(
          itemPath.local(network, change.endpoint),
          itemText.local(change.to.mac, change.to.addresses),
        )
      case 'forwarding':
        this.#need(itemPath.subnet(network, change.vni))
        return this.#set(
          itemPath.forwarding(network, change.vni, change.mac),
          formatSocketAddress(change.to),
        )
      case 'neighbour':
        this.#need(itemPath.subnet(network, change.vni))
        return this.#set(itemPath.neighbour(network, change.vni, change.ip), change.to)
    }
  }

  #remove(change: Change): void {
    const { network } = change
    switch (change.kind) {
      case 'network':
        return this.#removeUnder(itemPath.network(network), () => true)
      case 'subnet': {
        const inside = [`fdb/${change.vni}/`, `neighbours/${change.vni}/`, `subnets/${change.vni}`]
        const base = `${itemPath.network(network)}/`
        return this.#removeUnder(base, (rest) =>
          inside.some((p) => rest === p || (p.endsWith('/') && rest.startsWith(p))),
        )
      }
      case 'local':
        return this.#drop(itemPath.local(network, change.endpoint))
      case 'forwarding':
        return this.#drop(itemPath.forwarding(network, change.vni, change.mac))
      case 'neighbour':
        return this.#drop(itemPath.neighbour(network, change.vni, change.ip))
    }
  }

  #removeUnder(base: string, matches: (rest: string) => boolean): void {
    for (const path of [...this.items.keys()]) {
      const isInside = path === base || path.startsWith(base.endsWith('/') ? base : `${base}/`)
      if (isInside && matches(path.slice(base.length))) this.items.delete(path)
    }
  }

  #set(path: string, text: string): void {
    this.items.set(path, text)
  }

  #need(path: string): void {
    if (!this.items.has(path)) throw new Error(`${path} is not there yet`)
  }

  #drop(path: string): void {
    if (!this.items.delete(path)) throw new Error(`${path} was not there to be removed`)
  }
}
