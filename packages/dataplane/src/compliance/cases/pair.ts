/** The smallest cluster that forwards: two nodes, one network, an endpoint on each. */
import type { Check } from '../check.ts'
import type { Lab, LabNode, LabOptions } from '../lab.ts'
import { BLUE, type NetworkShape, type Placed, type SubnetText } from '../cluster.ts'
import { Scene } from '../scene.ts'
import { eventually, PATIENCE_MS, Traffic } from '../traffic.ts'

/** What the cases hold on to. */
export interface Pair {
  readonly scene: Scene
  readonly traffic: Traffic
  readonly a: LabNode
  readonly b: LabNode
  /** On `a`. */
  readonly c1: Placed
  /** On `b`. */
  readonly c2: Placed
}

/** How a pair differs from the usual one. */
export interface PairOptions {
  readonly world?: Partial<LabOptions>
  readonly subnets?: readonly SubnetText[]
  readonly shape?: Partial<NetworkShape>
  /** Addresses of c1 and c2. */
  readonly addresses?: readonly [readonly string[], readonly string[]]
}

/** Network `blue` with c1 (10.0.1.2) on a and c2 (10.0.1.3) on b; nothing applied yet. */
export async function layPair(lab: Lab, check: Check, options: PairOptions = {}): Promise<Pair> {
  const scene = new Scene(lab, check, options.world)
  const [a, b] = [await scene.node('a'), await scene.node('b')]
  scene.network('blue', options.subnets ?? [BLUE], options.shape)
  const [first, second] = options.addresses ?? [['10.0.1.2'], ['10.0.1.3']]
  const c1 = await scene.endpoint('blue', a, { name: 'c1', addresses: first })
  const c2 = await scene.endpoint('blue', b, { name: 'c2', addresses: second })
  return { scene, traffic: new Traffic(lab, check), a, b, c1, c2 }
}

/** The same, applied on both nodes. */
export async function openPair(lab: Lab, check: Check, options: PairOptions = {}): Promise<Pair> {
  const pair = await layPair(lab, check, options)
  await pair.scene.converge()
  return pair
}

/** What was damaged on a is as it should be again, within a second. */
export async function expectHealed(lab: Lab, check: Check, { scene, a }: Pair): Promise<void> {
  const desired = scene.desired(a)
  const healed = await eventually(lab, async () => {
    try {
      await scene.expectObserved(a, desired, '')
      return true
    } catch {
      return false
    }
  })
  if (!healed) await scene.expectObserved(a, desired, `observed ${PATIENCE_MS} ms after the damage`)
  check.ok(healed, 'the damage is repaired within a second')
}
