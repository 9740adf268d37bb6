/** Forwarding and neighbour entries of one network, written in one batch. */
import {
  hostError,
  type FailureLog,
  type ForwardingChange,
  type NeighbourChange,
} from '@weft/dataplane'
import {
  MessageWriter,
  writeForwarding,
  writeNeighbour,
  type KernelFault,
} from '@weft/linux'
import { FORWARDING_STATE } from './shape.ts'
import type { NetworkSite, SubnetSite } from './site.ts'

/** A step that is one table entry. */
export type EntryChange = ForwardingChange | NeighbourChange

/**
 * Write the requests for one step; returns how many. A remote MAC is one request for both tables,
 * the tunnel's and its bridge's; taking it away is two, since the bridge's refusal would spare the
 * tunnel's.
 */
export function writeEntry(writer: MessageWriter, subnet: SubnetSite, change: EntryChange): number {
  const { vxlanIndex: linkIndex } = subnet
  if (change.kind === 'neighbour') {
    const { from, ip, to } = change
    const mac = to ?? from
    if (mac === null) return 0
    writeNeighbour(writer, to === null ? 'delete' : 'replace', { linkIndex, ip, mac })
    return 1
  }
  const { mac, to } = change
  if (to === null) {
    writeForwarding(writer, 'delete', { linkIndex, mac, table: 'self' })
    writeForwarding(writer, 'delete', { linkIndex, mac, table: 'master' })
    return 2
  }
  const port = to.port === subnet.port ? {} : { port: to.port }
  const place = { linkIndex, mac, destination: to.ip, state: FORWARDING_STATE, ...port }
  writeForwarding(writer, 'replace', { ...place, table: 'both' })
  return 1
}

/** Carry out steps of one network; all entries of an item that fails are taken away again. */
export function programEntries(
  site: NetworkSite,
  changes: readonly EntryChange[],
  failures: FailureLog,
): void {
  const writer = new MessageWriter()
  const owners: EntryChange[] = []
  for (const change of changes) {
    const subnet = site.subnets.get(change.vni)
    if (subnet === undefined) continue
    const count = writeEntry(writer, subnet, change)
    for (let i = 0; i < count; i++) owners.push(change)
    remember(subnet, change)
  }
  const { faults } = site.kernel.transact(writer)
  for (const [index, fault] of faults) {
    const change = owners[index]
    if (change === undefined || (change.to === null && isGone(fault))) continue
    const operation = change.to === null ? 'delete' : 'replace'
    const object = change.kind === 'forwarding' ? change.mac : change.ip
    const refusal = { ...fault, operation: `${operation} ${change.kind} entry ${object}` }
    failures.add(change.item, hostError(change.item, refusal))
  }
  if (faults.size > 0) rollBack(site, changes, failures)
}

function remember(subnet: SubnetSite, change: EntryChange): void {
  if (change.kind === 'forwarding') {
    if (change.to === null) subnet.forwarding.delete(change.mac)
    else subnet.forwarding.set(change.mac, change.to)
  } else if (change.to === null) subnet.neighbours.delete(change.ip)
  else subnet.neighbours.set(change.ip, change.to)
}

/** What was to be deleted is not there: with its device, or by somebody else. */
function isGone({ errno }: KernelFault): boolean {
  return errno === 'ENOENT' || errno === 'ENODEV' || errno === 'ESRCH'
}

function rollBack(
  site: NetworkSite,
  changes: readonly EntryChange[],
  failures: FailureLog,
): void {
  const writer = new MessageWriter()
  for (const change of changes) {
    const subnet = site.subnets.get(change.vni)
    if (subnet === undefined || change.to === null || !failures.has(change.item)) continue
    const undo =
      change.kind === 'forwarding'
        ? { ...change, from: change.to, to: null }
        : { ...change, from: change.to, to: null }
    writeEntry(writer, subnet, undo)
    remember(subnet, undo)
  }
  // The refused ones are not there to be deleted.
  site.kernel.transact(writer)
}
