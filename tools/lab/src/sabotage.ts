/** Damage to a kernel dataplane behind its back, done to the network's own namespace. */
import type { Ip, Mac } from '@weft/core'
import type { Damage, SealingDamage } from '@weft/dataplane/compliance'
import { deleteNamespace, Kernel, namespacePath, type ForwardingEntry } from '@weft/linux'
import { labError } from './lab-errors.ts'

/** Damage to one network. */
export type NetworkDamage = Exclude<Damage, SealingDamage>

/** Where a dataplane keeps the namespaces of its networks. */
export interface NetworkNamespaces {
  readonly directory: string
  /** The file name of a network's namespace. */
  nameOf(network: string): string
}

/** Do the damage. Throws ERR_LAB_REQUEST when there is nothing to be damaged, or ERR_KERNEL. */
export function sabotage(namespaces: NetworkNamespaces, damage: NetworkDamage): void {
  const name = namespaces.nameOf(damage.network)
  const { directory } = namespaces
  using kernel = Kernel.open(namespacePath({ name, directory }))
  switch (damage.kind) {
    case 'delete-forwarding':
      return kernel.forwarding.apply('delete', tunnelEntry(kernel, damage.mac))
    case 'misdirect-forwarding': {
      const { port: _, ...entry } = tunnelEntry(kernel, damage.mac)
      return kernel.forwarding.apply('replace', { ...entry, destination: damage.to })
    }
    case 'delete-neighbour':
      return deleteNeighbour(kernel, damage.ip)
    case 'add-forwarding':
      return kernel.forwarding.apply('create', {
        linkIndex: requireFound(tunnels(kernel)[0], 'a VXLAN device'),
        mac: damage.mac,
        table: 'self',
        destination: damage.to,
      })
    case 'delete-endpoint':
      return deleteEndpoint(kernel, damage.endpoint)
    case 'delete-network':
      deleteDevices(kernel)
      deleteNamespace({ name, directory })
  }
}

/** What has no kind is the loopback. */
function deleteDevices({ links }: Kernel): void {
  for (const link of links.list()) if (link.kind !== null) links.delete(link.index)
}

function tunnels(kernel: Kernel): number[] {
  return kernel.links.list({ kind: 'vxlan' }).map((link) => link.index)
}

/** What `bridge fdb del MAC dev vxlan0 dst …` would name. */
function tunnelEntry(
  kernel: Kernel,
  mac: Mac,
): Pick<ForwardingEntry, 'linkIndex' | 'mac' | 'table'> & { destination: Ip; port?: number } {
  const entries = tunnels(kernel).flatMap((index) => kernel.forwarding.list(index))
  const found = entries.find(
    (entry) => entry.mac === mac && entry.table === 'self' && entry.destination !== null,
  )
  const { linkIndex, table, destination, port } = requireFound(found, `a tunnel entry for ${mac}`)
  return {
    linkIndex,
    mac,
    table,
    destination: requireFound(destination, 'its destination'),
    ...(port === null ? {} : { port }),
  }
}

function deleteNeighbour(kernel: Kernel, ip: Ip): void {
  const found = kernel.neighbours.list().find((entry) => entry.ip === ip && entry.mac !== null)
  const { linkIndex, mac } = requireFound(found, `a neighbour entry for ${ip}`)
  kernel.neighbours.apply('delete', { linkIndex, ip, mac: requireFound(mac, 'its MAC') })
}

function deleteEndpoint(kernel: Kernel, endpoint: string): void {
  const ours = kernel.links.list().find((link) => link.alias?.endsWith(`/local/${endpoint}`))
  kernel.links.delete(requireFound(ours, `a device marked as ${endpoint}`).index)
}

function requireFound<Value>(value: Value | null | undefined, what: string): Value {
  if (value !== null && value !== undefined) return value
  throw labError('ERR_LAB_REQUEST', 'nothing to damage', {
    problem: `${what} is not there`,
    expected: 'damage to something that is programmed',
  })
}
