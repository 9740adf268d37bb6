/** Family forward: a frame for a MAC reaches the endpoint that owns it, and nobody else. */
import { ethernet, BROADCAST_MAC } from '@weft/wire'
import { macFromBytes, writeMac } from '@weft/core'
import { capabilityName } from '../../capability-name.ts'
import { defineCase, type ComplianceCase } from '../compliance-case.ts'
import { BLUE, DUAL, GREEN } from '../cluster.ts'
import { SILENCE_MS } from '../traffic.ts'
import { layPair, openPair } from './pair.ts'

const OVERLAY_6 = capabilityName.overlayFamily(6)

/** The same frame for another destination MAC. */
function readdressed(frame: Uint8Array, mac: string): Uint8Array {
  const copy = frame.slice()
  writeMac(copy, 0, mac as Parameters<typeof writeMac>[2])
  return copy
}

/** Unicast, isolation, and everything that must not be forwarded. */
export const forwardCases: readonly ComplianceCase[] = [
  defineCase({
    name: 'forward/unicast',
    promise: 'frames pass between nodes in both directions, unchanged and once',
    async run(lab, check) {
      const { traffic, c1, c2 } = await openPair(lab, check)
      for (let i = 0; i < 3; i++) {
        await traffic.expectReaches(c1, c2)
        await traffic.expectReaches(c2, c1)
      }
    },
  }),
  defineCase({
    name: 'forward/unicast-ipv6',
    promise: 'IPv6 frames pass inside the overlay beside IPv4 ones',
    requires: [OVERLAY_6],
    async run(lab, check) {
      const { traffic, c1, c2 } = await openPair(lab, check, {
        subnets: [DUAL],
        addresses: [
          ['10.0.2.2', 'fd00:2::2'],
          ['10.0.2.3', 'fd00:2::3'],
        ],
      })
      await traffic.expectReaches(c1, c2, { family: 6 })
      await traffic.expectReaches(c2, c1, { family: 6 })
      await traffic.expectReaches(c1, c2, { family: 4 })
    },
  }),
  defineCase({
    name: 'forward/local',
    promise: 'two endpoints of one node reach each other without touching the underlay',
    async run(lab, check) {
      const { scene, traffic, a, b, c1, c2 } = await layPair(lab, check)
      const c3 = await scene.endpoint('blue', a, { name: 'c3', addresses: ['10.0.1.4'] })
      await scene.converge()
      await traffic.tunnelled(a, b)
      const frame = await traffic.expectReaches(c1, c3)
      await traffic.expectReaches(c3, c1)
      await traffic.expectReaches(c1, c2)
      await traffic.expectNotTunnelled(frame, [a, b], 'local traffic stays local')
    },
  }),
  defineCase({
    name: 'forward/unicast-is-private',
    promise: 'a frame for one endpoint is seen by no other endpoint of the network',
    async run(lab, check) {
      const { scene, traffic, a, b, c1, c2 } = await layPair(lab, check)
      const near = await scene.endpoint('blue', a, { name: 'near', addresses: ['10.0.1.4'] })
      const far = await scene.endpoint('blue', b, { name: 'far', addresses: ['10.0.1.5'] })
      await scene.converge()
      const frame = await traffic.expectReaches(c1, c2)
      const answer = await traffic.expectReaches(c2, c1)
      await traffic.expectReaches(c1, near)
      await traffic.expectReaches(c1, far)
      await traffic.expectNowhere(frame, [near, far, c1], 'a frame from c1 to c2')
      await traffic.expectNowhere(answer, [near, far, c2], 'a frame from c2 to c1')
    },
  }),
  defineCase({
    name: 'forward/three-nodes',
    promise: 'among three nodes every pair of endpoints reaches each other',
    async run(lab, check) {
      const { scene, traffic, c1, c2 } = await layPair(lab, check)
      const c = await scene.node('c')
      const c3 = await scene.endpoint('blue', c, { name: 'c3', addresses: ['10.0.1.4'] })
      await scene.converge()
      const all = [c1, c2, c3]
      for (const from of all) {
        for (const to of all) if (from !== to) await traffic.expectReaches(from, to)
      }
    },
  }),
  defineCase({
    name: 'forward/unknown-unicast',
    promise: 'a frame for a MAC that nobody has crosses no underlay and reaches nobody',
    async run(lab, check) {
      const { scene, traffic, a, b, c1, c2 } = await layPair(lab, check)
      const near = await scene.endpoint('blue', a, { name: 'near', addresses: ['10.0.1.4'] })
      await scene.converge()
      await traffic.tunnelled(a, b)
      const frame = readdressed(traffic.frame(c1, c2), '02:00:5e:00:53:01')
      await traffic.send(c1, frame)
      await traffic.expectReaches(c1, c2)
      await traffic.expectReaches(c1, near)
      await traffic.expectNotTunnelled(frame, [a, b], 'an unknown MAC is not flooded')
      await traffic.expectNowhere(frame, [c2, near, c1], 'an unknown MAC')
    },
  }),
  defineCase({
    name: 'forward/broadcast',
    promise: 'a broadcast or multicast reaches endpoints of its node and never leaves it',
    async run(lab, check) {
      const { scene, traffic, a, b, c1, c2 } = await layPair(lab, check)
      const near = await scene.endpoint('blue', a, { name: 'near', addresses: ['10.0.1.4'] })
      await scene.converge()
      await traffic.tunnelled(a, b)
      for (const group of [BROADCAST_MAC, '01:00:5e:00:00:fb'] as const) {
        const frame = readdressed(traffic.frame(c1, c2), group)
        await traffic.send(c1, frame)
        await traffic.expectArrival(frame, near, `${group} reaches the neighbour`)
        await traffic.expectReaches(c1, c2)
        await traffic.expectNotTunnelled(frame, [a, b], `${group} does not leave the node`)
        await traffic.expectNowhere(frame, [c1, c2], group)
      }
    },
  }),
  defineCase({
    name: 'forward/isolation',
    promise: 'nothing crosses between networks, with equal addresses and MACs on both',
    async run(lab, check) {
      const { scene, traffic, a, b, c1, c2 } = await layPair(lab, check)
      scene.network('green', [GREEN])
      const g1 = await scene.endpoint('green', a, { name: 'c1', addresses: ['10.0.1.2'] })
      const g2 = await scene.endpoint('green', b, { name: 'c2', addresses: ['10.0.1.3'] })
      const only = await scene.endpoint('green', b, { name: 'only', addresses: ['10.0.1.4'] })
      await scene.converge()
      await traffic.tunnelled(a, b)
      const blue = await traffic.expectReaches(c1, c2)
      const green = await traffic.expectReaches(g1, g2)
      const across = traffic.frame(c1, only)
      await traffic.send(c1, across)
      const group = readdressed(traffic.frame(c1, c2), BROADCAST_MAC)
      await traffic.send(c1, group)
      await traffic.expectReaches(c1, c2)
      await traffic.expectReaches(g1, only)
      await traffic.expectNowhere(blue, [g1, g2, only], 'a blue frame in green')
      await traffic.expectNowhere(green, [c1, c2, only], 'a green frame elsewhere')
      await traffic.expectNowhere(
        across,
        [c2, g1, g2, only],
        'a frame for a MAC of the other network',
      )
      await traffic.expectNowhere(group, [g1, g2, only], 'a broadcast of the other network')
      const [first, second] = [
        await traffic.expectTunnelled(blue, { nodes: [a, b] }),
        await traffic.expectTunnelled(green, { nodes: [a, b] }),
      ]
      check.equal([first.vni, second.vni], [4097, 4098], 'VNIs on the underlay')
    },
  }),
  defineCase({
    name: 'forward/subnets',
    promise: 'subnets of one network are broadcast domains of their own, each under its VNI',
    async run(lab, check) {
      const { scene, traffic, a, b, c1, c2 } = await layPair(lab, check, {
        subnets: [BLUE, [6000, ['10.0.64.0/24', null]]],
      })
      const e1 = await scene.endpoint('blue', a, { name: 'e1', addresses: ['10.0.64.2'] })
      const e2 = await scene.endpoint('blue', b, { name: 'e2', addresses: ['10.0.64.3'] })
      await scene.converge()
      await traffic.tunnelled(a, b)
      const frame = await traffic.expectReaches(e1, e2)
      const { vni } = await traffic.expectTunnelled(frame, { nodes: [a, b] })
      check.equal(vni, 6000, 'VNI of the second subnet')
      const group = readdressed(traffic.frame(c1, c2), BROADCAST_MAC)
      await traffic.send(c1, group)
      const across = traffic.frame(c1, e2)
      await traffic.send(c1, across)
      await traffic.expectReaches(c1, c2)
      await traffic.expectReaches(e1, e2)
      await traffic.expectNowhere(group, [e1, e2], 'a broadcast of the other subnet')
      await traffic.expectNowhere(across, [e1, e2], 'a frame for a MAC of the other subnet')
    },
  }),
  defineCase({
    name: 'forward/vlan-tag',
    promise: 'a VLAN tag passes through the tunnel as it is',
    async run(lab, check) {
      const { traffic, c1, c2 } = await openPair(lab, check)
      const plain = traffic.frame(c1, c2)
      const { destination, source, etherType } = ethernet.decode(plain, 0)
      const tags = [{ etherType: 0x8100, priority: 3, dropEligible: false, vlanId: 7 }]
      const tagged = new Uint8Array(plain.length + 4)
      ethernet.write(tagged, 0, { destination, source, tags, etherType })
      tagged.set(plain.subarray(ethernet.headerLength), ethernet.headerLength + 4)
      await traffic.send(c1, tagged)
      await traffic.expectArrival(tagged, c2, 'the tagged frame arrives')
    },
  }),
  defineCase({
    name: 'forward/move',
    promise: 'an endpoint that moves keeps MAC and address and is reached on its new node at once',
    async run(lab, check) {
      const { scene, traffic, a, b, c1, c2 } = await openPair(lab, check)
      const c = await scene.node('c')
      await scene.converge()
      await traffic.expectReaches(c1, c2)
      const moved = await scene.move(c2, c)
      for (const node of [c, a, b]) await scene.applied(node)
      await traffic.tunnelled(a, b)
      const frame = await traffic.expectReaches(c1, moved)
      await traffic.expectReaches(moved, c1)
      await traffic.expectNowhere(frame, [c2], 'the old place')
      await traffic.expectNotTunnelled(frame, [a, b], 'nothing goes to the old node')
      const home = await scene.move(moved, a)
      await scene.converge()
      await traffic.expectReaches(c1, home)
      await traffic.expectReaches(home, c1)
    },
  }),
  defineCase({
    name: 'forward/link-down',
    promise: 'while the underlay is cut nothing arrives, and when it heals frames pass again',
    conserves: false,
    async run(lab, check) {
      const { traffic, a, b, c1, c2 } = await openPair(lab, check)
      await traffic.expectReaches(c1, c2)
      await lab.link(a, b).cut()
      const lost = traffic.frame(c1, c2)
      await traffic.send(c1, lost)
      await lab.advance(SILENCE_MS)
      await traffic.expectNowhere(lost, [c2], 'a frame over a cut link')
      await lab.link(a, b).heal()
      await traffic.expectReaches(c1, c2)
      await traffic.expectNowhere(lost, [c2], 'the lost frame afterwards')
    },
  }),
  defineCase({
    name: 'forward/source-is-kept',
    promise: 'the receiver sees the MAC and the address of the sender, not those of a node',
    async run(lab, check) {
      const { traffic, c1, c2 } = await openPair(lab, check)
      const frame = await traffic.expectReaches(c1, c2)
      const got = (await traffic.inbox(c2)).find((f) => f.length === frame.length) ?? frame
      check.equal(macFromBytes(got, 6), c1.mac, 'source MAC')
    },
  }),
]
