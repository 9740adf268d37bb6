/** A node whose control plane is the real one, in this process, on virtual time. */
import { silentLogger } from '@weft/core'
import { SeededRandom, SimEntropy } from '@weft/core/testing'
import { createCluster, MemoryStore, openManager, type Manager } from '@weft/manager'
import type { Control } from '@weft/swarm'
import { nodeCertificates } from '@weft/swarm-grpc'
import { rig, type Rig } from './scripted-node.ts'

/** An API over a node that opens a manager when a swarm is asked for. */
export interface ManagedRig extends Rig, AsyncDisposable {}

/** `address` is the manager's. */
export function managedRig(address: string): ManagedRig {
  const one = rig()
  const { node, clock } = one
  const managers: Manager[] = []
  const random = new SeededRandom('managed')
  const entropy = new SimEntropy(random.fork('entropy'))
  const certificates = nodeCertificates
  node.init = async (request) => {
    const ports = { store: new MemoryStore(), certificates, clock, random, entropy }
    const identity = await createCluster({ address, ...request }, ports)
    const manager = await openManager({ identity, address }, { ...ports, log: silentLogger })
    managers.push(manager)
    node.shown = { ...node.shown, state: 'active', role: 'manager', nodeId: identity.nodeId }
    // What answers is not scripted.
    Object.assign(node, { control: manager.control satisfies Control })
    node.events.emit('changed', {})
    return identity.nodeId
  }
  const dispose = async (): Promise<void> => {
    one.api[Symbol.dispose]()
    for (const manager of managers) await manager.close()
  }
  return { ...one, [Symbol.asyncDispose]: dispose }
}
