/** Attaching and detaching in a whole cluster: what peers, manager and dataplane come to know. */
import { describe, expect, test } from 'vitest'
import { ClusterWorld } from './cluster-world.ts'

describe('two nodes and a manager', () => {
  test('an endpoint on each, and each knows where the other is', async () => {
    const world = await ClusterWorld.open(2)
    const [a, b] = world.nodes
    if (a === undefined || b === undefined) throw new Error('two nodes')
    const blue = await world.createNetwork('blue')
    const one = await a.attach('blue', 'c1')
    const two = await b.attach('blue', 'c2')
    expect(one).toMatchObject({ networkName: 'blue', name: 'c1', state: 'running' })
    await world.run(1000)
    expect(await a.remote(blue.id)).toEqual({ [two.mac]: '192.0.2.12:4789' })
    expect(await b.remote(blue.id)).toEqual({ [one.mac]: '192.0.2.11:4789' })
  })
})
