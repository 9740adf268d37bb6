/** What the cases about encrypted networks have in common. */
import { equalBytes } from '@weft/core'
import { VXLAN_PORT } from '@weft/wire'
import type { Check } from '../check.ts'
import type { Placed } from '../cluster.ts'
import { labName, type Lab, type LabNode, type LabSealing } from '../lab.ts'
import { eventually, tunnelDatagram, type Traffic } from '../traffic.ts'
import type { Pair } from './pair.ts'

/** What all of these cases require: networks that are encrypted. */
export const SEALED = labName.networks('vxlan-esp')

/** How this world encrypts. Only where `SEALED` is required. */
export function sealingOf({ sealing }: Lab): LabSealing {
  if (sealing !== undefined) return sealing
  throw new Error('bug: the networks of this world are clear')
}

/** Frames of the underlay between both nodes that carry this one for everybody to read. */
export async function clearCopies({ a, b, traffic }: Pair, frame: Uint8Array): Promise<number> {
  const frames = await traffic.underlay(a, b)
  const carried = frames.flatMap((each) => tunnelDatagram(each, VXLAN_PORT) ?? [])
  return carried.filter(({ inner }) => equalBytes(inner, frame)).length
}

/** What a node has thrown away so far, for any of these reasons. */
export async function droppedAt({ dataplane }: LabNode, reasons: Reasons): Promise<number> {
  const { dropped } = await dataplane.counters()
  return reasons.reduce((sum, reason) => sum + (dropped.get(reason) ?? 0), 0)
}

/** Any of several names for what was refused: backends see it at different places. */
export type Reasons = readonly string[]

/** What is done now is counted at the node, so many times, for any of the reasons. */
export async function expectCounted(
  { check, lab, node }: { readonly check: Check; readonly lab: Lab; readonly node: LabNode },
  { count = 1, reasons }: { readonly count?: number; readonly reasons: Reasons },
  act: () => Promise<void>,
): Promise<void> {
  const before = await droppedAt(node, reasons)
  await act()
  let more = 0
  const counted = await eventually(lab, async () => {
    more = (await droppedAt(node, reasons)) - before
    return more >= count
  })
  check.ok(counted, `${reasons.join(' or ')} on ${node.name} grows by ${more} of ${count}`)
}

/** A frame, and who is to have it. */
export interface Sent {
  readonly frame: Uint8Array
  readonly to: Placed
}

/** Frames both ways until it is stopped. */
export interface Stream {
  /** Send no more; all that was sent. */
  stop(): Promise<readonly Sent[]>
}

/** Begin to send, back and forth, beside whatever a case does meanwhile. */
export function stream({ c1, c2, scene, traffic }: Pair): Stream {
  const sent: Sent[] = []
  let running = true
  const send = async (from: Placed, to: Placed): Promise<void> => {
    const frame = traffic.frame(from, to)
    sent.push({ frame, to })
    await traffic.send(from, frame)
  }
  const run = async (): Promise<void> => {
    while (running) {
      await send(c1, c2)
      await send(c2, c1)
      await scene.lab.advance(1)
    }
  }
  const done = run()
  return {
    stop: async () => {
      running = false
      await done
      return sent
    },
  }
}

/** How many of them have not arrived, or more than once. */
export async function missing(traffic: Traffic, sent: readonly Sent[]): Promise<number> {
  let count = 0
  for (const { frame, to } of sent) if ((await traffic.countOf(frame, to)) !== 1) count++
  return count
}
