/** Carries out planned changes on a machine, one by one, and tells what became of each. */
import {
  changedItems,
  dependencyError,
  FailureLog,
  itemPath,
  type Change,
  type ItemFailure,
} from '@weft/dataplane'
import type { SimMachine } from './sim-machine.ts'

/** What became of a list of changes. */
export interface Performed {
  /** Items that were changed. */
  readonly changed: number
  readonly failures: readonly ItemFailure[]
}

/** Carry out changes in the order given. What depends on a failed one fails with ERR_DEPENDENCY. */
export async function perform(machine: SimMachine, changes: readonly Change[]): Promise<Performed> {
  const failures = new FailureLog()
  const done: Change[] = []
  for (const change of changes) {
    const { item } = change
    const cause = dependencies(change).find((one) => failures.has(one))
    if (cause !== undefined) failures.add(item, dependencyError(item, cause))
    else if (await failures.attemptAsync(item, () => carryOut(machine, change))) done.push(change)
  }
  const successes = done.filter(({ item }) => !failures.has(item))
  return { changed: changedItems(successes), failures: failures.list() }
}

/** Items that must be there before this change can be made. */
function dependencies(change: Change): readonly string[] {
  if (change.kind === 'network' || change.to === null) return []
  const network = itemPath.network(change.network)
  if (change.kind === 'subnet') return [network]
  const vni = change.kind === 'local' ? change.to.vni : change.vni
  return [network, itemPath.subnet(change.network, vni)]
}

async function carryOut(machine: SimMachine, change: Change): Promise<void> {
  const { network } = change
  switch (change.kind) {
    case 'network':
      if (change.to === null) await machine.removeNetwork(network)
      else machine.setNetwork(network, change.to)
      return
    case 'subnet':
      if (change.to === null) await machine.removeSubnet(network, change.vni)
      else await machine.setSubnet(network, { ...change.to, vni: change.vni })
      return
    case 'local':
      if (change.to === null) machine.unplug(network, change.endpoint)
      else machine.plug(network, change.endpoint, change.to)
      return
    default:
      carryOutEntry(machine, change)
  }
}

function carryOutEntry(
  machine: SimMachine,
  change: Extract<Change, { kind: 'forwarding' | 'neighbour' }>,
): void {
  const subnet = machine.entriesOf(change.network, change.vni)
  if (change.kind === 'forwarding') {
    if (change.to === null) subnet?.forwarding.delete(change.mac)
    else subnet?.forwarding.set(change.mac, change.to)
  } else if (change.to === null) subnet?.neighbours.delete(change.ip)
  else subnet?.neighbours.set(change.ip, change.to)
}
