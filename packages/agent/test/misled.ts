/** A node whose manager was replaced by one that says what the test says. */
import type { Task } from '@weft/swarm'
import { ClusterWorld, MANAGER, type WorldNode } from './cluster-world.ts'
import { assignments, ScriptedServices } from './scripted-services.ts'

/** A node with an endpoint, and its manager, who says from now on what the test says. */
export interface Misled {
  readonly world: ClusterWorld
  readonly node: WorldNode
  readonly manager: ScriptedServices
  readonly networkId: string
  /** What the manager before had assigned. */
  readonly tasks: readonly Task[]
}

/** Open it. */
export async function misled(): Promise<Misled> {
  const world = await ClusterWorld.open(1)
  const [node] = world.nodes
  if (node === undefined) throw new Error('it has joined')
  const { id: networkId } = await world.createNetwork('blue')
  await node.attach('blue', 'c1')
  const manager = new ScriptedServices(() => world.sim.clock.now(), MANAGER)
  const tasks = world.manager.control.tasks()
  manager.firstAssignments = assignments(tasks, { result: '1' })
  await world.stopManager()
  world.head.kill()
  world.web.services.set(MANAGER, manager)
  await world.run(15_000)
  if (!node.agent.view().connected) throw new Error('the node did not come over')
  return { world, node, manager, networkId, tasks }
}

/** Local endpoints on that network, as the dataplane is told. */
export function endpointsOf({ node, networkId }: Misled): number | undefined {
  return node.desired.networks.get(networkId)?.local.size
}
