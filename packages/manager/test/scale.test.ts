/** Ten thousand attachments: one more costs what the first did. */
import { expect, test } from 'vitest'
import { FragileStore } from './fragile-store.ts'
import { addressesOf, ManagerWorld, networkSpec, type TestNode } from './manager-world.ts'

const NODES = 10
const ATTACHMENTS = 10_000
const SAMPLE = 500

/** Median time of attachments one after the other, in microseconds. */
async function medianOf(nodes: readonly TestNode[], count: number): Promise<number> {
  const micros: number[] = []
  for (let i = 0; i < count; i++) {
    const start = process.hrtime.bigint()
    await nodes[i % nodes.length]?.attach('wide')
    micros.push(Number(process.hrtime.bigint() - start) / 1_000)
  }
  return micros.sort((a, b) => a - b)[count >> 1] ?? 0
}

test('an attachment among ten thousand costs what one among a few does', async () => {
  const store = new FragileStore()
  const world = await ManagerWorld.open({ store })
  const nodes: TestNode[] = []
  for (let i = 0; i < NODES; i++) nodes.push(await world.ready())
  const configs = [{ subnet: '10.128.0.0/16' }]
  const { id } = await world.manager.control.createNetwork(networkSpec('wide', { configs }))
  await medianOf(nodes, SAMPLE) // the compiler's turn
  const few = await medianOf(nodes, SAMPLE)
  const rest = Array.from({ length: ATTACHMENTS - 3 * SAMPLE }, (_, i) => i % NODES)
  await Promise.all(rest.flatMap((i) => nodes.slice(i, i + 1).map((node) => node.attach('wide'))))
  const { commits } = store
  const many = await medianOf(nodes, SAMPLE)
  // Whatever grew with the attachments would be some ten times as much by now.
  expect(many).toBeLessThan(4 * few + 100)
  expect(store.commits - commits).toBe(SAMPLE)
  expect(world.manager.control.usage(id).allocated).toBe(ATTACHMENTS)
  const addresses = world.manager.control.tasks().flatMap(addressesOf)
  expect(new Set(addresses).size).toBe(ATTACHMENTS)
}, 60_000)
