/** The self-test passes on a sound path, fails on a broken one, and says what is enough. */
import { Nftables, TAP_OFFLOADS } from '@weft/linux'
import { nodeRuntime } from '@weft/runtime-node'
import { expect, test } from 'vitest'
import {
  narrowestMeasure,
  selfTest,
  SelfTestStage,
  type OffloadChoice,
} from '../src/self-test.ts'

const { clock } = nodeRuntime()
const ALL: OffloadChoice = { offloads: TAP_OFFLOADS, segmentation: true }

test('a sound machine needs nothing left out', async () => {
  expect(await selfTest(ALL, clock)).toEqual({ choice: ALL, lack: null })
})

test('every choice passes on a sound path', async () => {
  using stage = new SelfTestStage(clock)
  for (const offloads of [TAP_OFFLOADS, []]) {
    for (const segmentation of [true, false]) {
      expect(await stage.passes({ offloads, segmentation })).toBe(true)
    }
  }
})

test('a path that loses datagrams fails', async () => {
  using stage = new SelfTestStage(clock)
  using firewall = Nftables.open(stage.underlay.namespace.fd)
  const matches = [{ on: 'udp-destination-port', port: 4789 }] as const
  const rules = [{ matches, counter: true, verdict: 'drop' }] as const
  const chain = { name: 'in', hook: 'input', priority: 0, policy: 'accept', rules } as const
  firewall.replaceTable({ family: 'inet', name: 'lossy', chains: [chain] })
  expect(await stage.passes(ALL)).toBe(false)
})

test.each<readonly [string, (choice: OffloadChoice) => boolean, RegExp, OffloadChoice]>([
  ['segments', (c) => !c.segmentation, /UDP_SEGMENT/, { ...ALL, segmentation: false }],
  ['TAPs', (c) => c.offloads.length === 0, /TAP offloads/, { ...ALL, offloads: [] }],
  [
    'both',
    (c) => !c.segmentation && c.offloads.length === 0,
    /any offload/,
    { offloads: [], segmentation: false },
  ],
  ['all', () => false, /even without offloads/, { offloads: [], segmentation: false }],
])('where %s corrupt, no more is left out than that', async (_name, holds, words, choice) => {
  const found = await narrowestMeasure(ALL, { passes: async (tried) => holds(tried) })
  expect(found.choice).toEqual(choice)
  expect(found.lack).toMatch(words)
})
