/** Family seal: encrypted networks are never clear, whatever becomes of keys and processes. */
import { BLUE, GREEN } from '../cluster.ts'
import { defineCase, type ComplianceCase } from '../compliance-case.ts'
import { FIRST_KEY } from '../scene.ts'
import { eventually, SILENCE_MS } from '../traffic.ts'
import { layPair, openPair } from './pair.ts'
import { clearCopies, expectCounted, missing, SEALED, sealingOf, stream } from './sealing-parts.ts'
import { tunnelled } from './tunnelled.ts'

const NETWORK = 'networks/blue'

/** What goes over the wire, and what it is when there is no key for it. */
export const sealingCases: readonly ComplianceCase[] = [
  defineCase({
    name: 'seal/nothing-readable',
    promise: 'all that crosses between nodes is ESP, and nothing of endpoints can be read in it',
    requires: [SEALED],
    async run(lab, check) {
      const pair = await openPair(lab, check)
      const { scene, traffic, a, b, c1, c2 } = pair
      await traffic.underlay(a, b)
      for (const packetBytes of [60, 700, scene.mtuOf({ mtu: null })]) {
        for (const [from, to] of [[c1, c2] as const, [c2, c1] as const]) {
          const frame = await traffic.expectReaches(from, to, { packetBytes })
          check.equal(await clearCopies(pair, frame), 0, 'clear datagrams that carry the frame')
          await traffic.expectTunnelled(frame, { nodes: [a, b] })
        }
      }
      const sealed = await traffic.sealed(a, b)
      check.ok(sealed.length >= 6, `six frames make ${sealed.length} packets of ESP`)
    },
  }),
  defineCase({
    name: 'seal/clear-beside',
    promise: 'a clear network beside an encrypted one is clear, and the encrypted one is not',
    requires: [SEALED],
    dark: false,
    async run(lab, check) {
      const pair = await openPair(lab, check)
      const { scene, traffic, a, b, c1, c2 } = pair
      scene.network('green', [GREEN], { encapsulation: 'vxlan' })
      const g1 = await scene.endpoint('green', a, { name: 'g1', addresses: ['10.0.1.2'] })
      const g2 = await scene.endpoint('green', b, { name: 'g2', addresses: ['10.0.1.3'] })
      await scene.converge()
      await scene.expectObserved(a, scene.desired(a), 'observed with both')
      const clear = await traffic.expectReaches(g1, g2)
      const dark = await traffic.expectReaches(c1, c2)
      await traffic.expectReaches(g2, g1)
      check.equal(await clearCopies(pair, clear), 1, 'clear datagrams of the clear network')
      check.equal(await clearCopies(pair, dark), 0, 'clear datagrams of the encrypted network')
    },
  }),
  defineCase({
    name: 'seal/change-encapsulation',
    promise: 'a network that is to be encrypted from now on is, and the other way round',
    requires: [SEALED],
    dark: false,
    async run(lab, check) {
      const pair = await layPair(lab, check, { shape: { encapsulation: 'vxlan' } })
      const { scene, traffic, a, b, c1, c2 } = pair
      await scene.converge()
      await traffic.underlay(a, b)
      for (const encapsulation of ['vxlan', 'vxlan-esp', 'vxlan'] as const) {
        scene.network('blue', [BLUE], { encapsulation })
        await scene.converge()
        await scene.expectObserved(a, scene.desired(a), `observed as ${encapsulation}`)
        const frame = await traffic.expectReaches(c1, c2)
        await traffic.expectReaches(c2, c1)
        const copies = await clearCopies(pair, frame)
        check.equal(copies, encapsulation === 'vxlan' ? 1 : 0, `clear copies as ${encapsulation}`)
      }
    },
  }),
  defineCase({
    name: 'seal/keys-missing',
    promise: 'without keys the network fails and is held back, never clear; it heals with them',
    requires: [SEALED],
    conserves: false,
    async run(lab, check) {
      const pair = await layPair(lab, check)
      const { scene, traffic, a, b, c1, c2 } = pair
      const keys = [sealingOf(lab).key(FIRST_KEY)]
      scene.rekey(a, [])
      scene.rekey(b, keys)
      await scene.applied(b)
      for (const when of ['at first', 'after they had been there']) {
        const { failures } = await scene.apply(a)
        const own = failures.filter(({ error }) => error.code !== 'ERR_DEPENDENCY')
        const facts = own.map(({ item, error }) => [item, error.code])
        check.equal(facts, [[NETWORK, 'ERR_INVALID_ITEM']], `failures without keys ${when}`)
        const held = traffic.frame(c1, c2)
        await traffic.send(c1, held)
        await lab.advance(SILENCE_MS)
        await traffic.expectNowhere(held, [c2], `a frame without keys ${when}`)
        check.equal(await clearCopies(pair, held), 0, `clear copies without keys ${when}`)
        scene.rekey(a, keys)
        await scene.converge()
        await scene.expectObserved(a, scene.desired(a), `observed with keys ${when}`)
        await traffic.expectReaches(c1, c2)
        await traffic.expectReaches(c2, c1)
        scene.rekey(a, [])
      }
    },
  }),
  defineCase({
    name: 'seal/another-key',
    promise: 'who has other bytes for the key is not heard and hears nothing, and that is counted',
    requires: [SEALED],
    async run(lab, check) {
      const { scene, traffic, a, b, c1, c2 } = await openPair(lab, check)
      const sealing = sealingOf(lab)
      const right = [sealing.key(FIRST_KEY)]
      for (const node of [a, b]) scene.rekey(node, right)
      await scene.converge()
      await traffic.expectReaches(c1, c2)
      scene.rekey(b, [sealing.key(FIRST_KEY, 'of other bytes')])
      await scene.applied(b)
      const lost = [traffic.frame(c1, c2), traffic.frame(c2, c1)] as const
      const reasons = ['datagram-bad-icv']
      for (const [node, from, frame] of [[b, c1, lost[0]] as const, [a, c2, lost[1]] as const]) {
        const refused = { check, lab, node }
        await expectCounted(refused, { reasons }, () => traffic.send(from, frame))
      }
      scene.rekey(b, right)
      await scene.applied(b)
      await traffic.expectReaches(c1, c2)
      await traffic.expectReaches(c2, c1)
      await traffic.expectNowhere(lost[0], [c2], 'a frame to who has another key')
      await traffic.expectNowhere(lost[1], [c1], 'a frame from who has another key')
    },
  }),
  defineCase({
    name: 'seal/rotation',
    promise: 'keys change in three steps, receive, send, retire, and a stream of frames loses none',
    requires: [SEALED],
    async run(lab, check) {
      const pair = await openPair(lab, check)
      const { scene, traffic, a, b } = pair
      const sealing = sealingOf(lab)
      const [old, next, after, stale] = [FIRST_KEY, FIRST_KEY + 1, FIRST_KEY + 2, FIRST_KEY - 1]
      const steps = [
        [old, next, stale, after],
        [next, after, old, stale],
        [next, after, old],
      ]
      const flow = stream(pair)
      for (const step of steps) {
        for (const node of [a, b]) {
          scene.rekey(node, step.map((number) => sealing.key(number)))
          await scene.applied(node)
        }
      }
      const sent = await flow.stop()
      const arrived = await eventually(lab, async () => (await missing(traffic, sent)) === 0)
      const lost = await missing(traffic, sent)
      check.ok(arrived, `of ${sent.length} frames ${lost} did not arrive, or not once`)
      for (const node of [a, b]) {
        await scene.expectObserved(node, scene.desired(node), `observed on ${node.name}`)
      }
    },
  }),
  defineCase({
    name: 'seal/retired-key',
    promise: 'what is sealed with a key is taken while the key is there, and not after',
    requires: [SEALED],
    conserves: false,
    async run(lab, check) {
      const { scene, traffic, a, b, c1, c2 } = await openPair(lab, check)
      const sealing = sealingOf(lab)
      const inject = async (frame: Uint8Array): Promise<void> => {
        const ends = { from: b.tunnel, to: a.tunnel, key: FIRST_KEY - 1 }
        await sealing.inject(b, a, sealing.seal(ends, tunnelled(BLUE[0], frame)))
      }
      const early = traffic.frame(c2, c1)
      await inject(early)
      await traffic.expectArrival(early, c1, 'a frame sealed with the oldest key')
      for (const node of [a, b]) {
        scene.rekey(node, [sealing.key(FIRST_KEY), sealing.key(FIRST_KEY + 1)])
      }
      await scene.converge()
      const late = traffic.frame(c2, c1)
      await inject(late)
      await traffic.expectReaches(c2, c1)
      await traffic.expectReaches(c1, c2)
      await traffic.expectNowhere(late, [c1], 'a frame sealed with a key that was retired')
    },
  }),
  defineCase({
    name: 'seal/succession',
    promise: 'a process that dies is succeeded while frames are sent, and none of them is clear',
    requires: [SEALED],
    conserves: false,
    async run(lab, check) {
      const pair = await openPair(lab, check)
      const { scene, traffic, a, c1, c2 } = pair
      const flow = stream(pair)
      await a.crash()
      if (lab.capabilities.persistent) {
        await traffic.expectReaches(c1, c2)
        await traffic.expectReaches(c2, c1)
      }
      await a.reopen()
      await scene.applied(a)
      await flow.stop()
      await traffic.expectReaches(c1, c2)
      await traffic.expectReaches(c2, c1)
      await scene.expectObserved(a, scene.desired(a), 'observed after the successor applied')
    },
  }),
]
