/** Family apply: single values of a running network change in place. */
import { parseIp, parseMac } from '@weft/core'
import { defineCase, type ComplianceCase } from '../compliance-case.ts'
import { BLUE, macOf } from '../cluster.ts'
import { openPair } from './pair.ts'

/** Updates of values, each followed by traffic. */
export const changeCases: readonly ComplianceCase[] = [
  defineCase({
    name: 'apply/change-mtu',
    promise: 'a changed MTU reaches the interfaces of endpoints that are attached',
    async run(lab, check) {
      const { scene, traffic, a, c1, c2 } = await openPair(lab, check)
      check.equal(await c1.inside.mtuBytes(), scene.mtuOf({ mtu: null }), 'MTU inside at first')
      scene.network('blue', [BLUE], { mtu: 1300 })
      await scene.converge()
      check.equal(await c1.inside.mtuBytes(), 1300, 'MTU inside after the change')
      await scene.expectObserved(a, scene.desired(a), 'observed after the change')
      await traffic.expectReaches(c1, c2, { packetBytes: 1300 })
    },
  }),
  defineCase({
    name: 'apply/change-peer-address',
    promise: 'a peer that is reached at another address gets the frames there',
    async run(lab, check) {
      const { scene, traffic, a, b, c1, c2 } = await openPair(lab, check)
      const d = await scene.node('d')
      await scene.converge()
      await traffic.expectReaches(c1, c2)
      // The endpoint's node keeps its name; its tunnel now ends where `d` listens.
      const heir = await d.endpoint('heir', c2)
      const wanted = scene.desired(d)
      const network = check.some(wanted.networks.get('blue'), 'network blue on d')
      const { mac, addresses } = c2
      const local = new Map([['c2', { mac, addresses, attachment: heir.attachment }]])
      const remote = new Map([...network.remote].filter(([name]) => name !== 'c2'))
      const blue = { ...network, local, remote }
      const taken = { ...wanted, networks: new Map([['blue', blue]]) }
      await scene.applied(d, taken)
      scene.retunnel('b', d.tunnel)
      scene.retunnel('d', b.tunnel)
      const desired = scene.desired(a)
      await scene.applied(a, desired)
      await scene.expectObserved(a, desired, 'observed after the change')
      const frame = traffic.frame(c1, c2)
      await traffic.send(c1, frame)
      await traffic.expectArrival(frame, { ...c2, node: d, inside: heir }, 'the frame arrives')
      await traffic.expectNowhere(frame, [c2], 'nothing goes to the old address')
    },
  }),
  defineCase({
    name: 'apply/change-gateway',
    promise: 'a subnet gets another gateway, loses it, gets it back, while traffic passes',
    async run(lab, check) {
      const { scene, traffic, a, c1, c2 } = await openPair(lab, check)
      for (const gateway of ['10.0.1.254', null, '10.0.1.1']) {
        scene.network('blue', [[BLUE[0], ['10.0.1.0/24', gateway]]])
        const desired = scene.desired(a)
        await scene.applied(a, desired)
        await scene.expectObserved(a, desired, `observed with gateway ${gateway ?? 'none'}`)
        await traffic.expectReaches(c1, c2)
      }
    },
  }),
  defineCase({
    name: 'apply/change-address',
    promise: 'an endpoint gets another address and another MAC, local and remote',
    async run(lab, check) {
      const { scene, traffic, a, b, c1, c2 } = await openPair(lab, check)
      const addresses = [parseIp('10.0.1.77')]
      scene.replace(c2, { addresses })
      const desired = scene.desired(a)
      await scene.applied(a, desired)
      await scene.expectObserved(a, desired, 'observed on a after the address changed')
      const there = scene.desired(b)
      await scene.applied(b, there)
      await scene.expectObserved(b, there, 'observed on b after the address changed')
      const mac = parseMac('02:00:5e:00:53:77')
      const inside = await b.endpoint('again', { mac, addresses })
      const renewed = scene.replace(c2, { addresses, mac, inside, attachment: inside.attachment })
      await scene.converge()
      await scene.expectObserved(a, scene.desired(a), 'observed after the MAC changed')
      await traffic.expectReaches(c1, renewed)
      await traffic.expectReaches(renewed, c1)
      const stale = traffic.frame(c1, c2)
      await traffic.send(c1, stale)
      await traffic.expectReaches(c1, renewed)
      await traffic.expectNowhere(stale, [c2, renewed], 'the old MAC is forgotten')
    },
  }),
  defineCase({
    name: 'apply/pass-on-address',
    promise: 'an address or MAC that passes from one endpoint to another is never lost on the way',
    async run(lab, check) {
      const { scene, traffic, a, b, c1, c2 } = await openPair(lab, check)
      // The successor has the very face of its predecessor, under another name.
      scene.removeEndpoint(c2)
      const heir = scene.replace(c2, { name: 'c2-next' })
      const desired = scene.desired(a)
      await scene.applied(a, desired)
      await scene.expectObserved(a, desired, 'observed after the name changed')
      await scene.applied(b)
      await traffic.expectReaches(c1, heir)
      await traffic.expectReaches(heir, c1)
    },
  }),
  defineCase({
    name: 'apply/grow',
    promise: 'a network grows by a subnet and shrinks again without disturbing the first',
    async run(lab, check) {
      const { scene, traffic, a, b, c1, c2 } = await openPair(lab, check)
      scene.network('blue', [BLUE, [6000, ['10.0.64.0/24', '10.0.64.1']]])
      const e1 = await scene.endpoint('blue', a, { name: 'e1', addresses: ['10.0.64.2'] })
      const e2 = await scene.endpoint('blue', b, { name: 'e2', addresses: ['10.0.64.3'] })
      await scene.converge()
      await traffic.expectReaches(e1, e2)
      await traffic.expectReaches(c1, c2)
      scene.removeEndpoint(e1)
      scene.removeEndpoint(e2)
      scene.network('blue', [BLUE])
      await scene.converge()
      await scene.expectObserved(a, scene.desired(a), 'observed after shrinking')
      await traffic.expectReaches(c1, c2)
    },
  }),
  defineCase({
    name: 'apply/change-vni',
    promise: 'a subnet gets another VNI and its endpoints follow',
    async run(lab, check) {
      const { scene, traffic, a, b, c1, c2 } = await openPair(lab, check)
      await traffic.tunnelled(a, b)
      scene.network('blue', [[7777, ['10.0.1.0/24', '10.0.1.1']]])
      await scene.converge()
      await scene.expectObserved(a, scene.desired(a), 'observed after the change')
      const frame = await traffic.expectReaches(c1, c2)
      const { vni } = await traffic.expectTunnelled(frame, { nodes: [a, b] })
      check.equal(vni, 7777, 'VNI on the underlay')
    },
  }),
  defineCase({
    name: 'apply/change-port',
    promise: 'the whole node moves to another tunnel port while it runs',
    async run(lab, check) {
      const { scene, traffic, a, b, c1, c2 } = await openPair(lab, check)
      await traffic.expectReaches(c1, c2)
      for (const node of [a, b]) scene.retunnel(node.name, { ip: node.tunnel.ip, port: 14_789 })
      await scene.converge()
      await scene.expectObserved(a, scene.desired(a), 'observed after the change')
      await traffic.tunnelled(a, b, 14_789)
      const frame = await traffic.expectReaches(c1, c2)
      await traffic.expectTunnelled(frame, { nodes: [a, b], port: 14_789 })
    },
  }),
  defineCase({
    name: 'apply/swap-local-and-remote',
    promise: 'two endpoints change places between two nodes in one generation',
    async run(lab, check) {
      const { scene, traffic, a, b, c1, c2 } = await openPair(lab, check)
      const [moved1, moved2] = [await scene.move(c1, b), await scene.move(c2, a)]
      await scene.converge()
      for (const node of [a, b]) {
        await scene.expectObserved(node, scene.desired(node), `observed on ${node.name}`)
      }
      await traffic.expectReaches(moved1, moved2)
      await traffic.expectReaches(moved2, moved1)
    },
  }),
  defineCase({
    name: 'apply/same-subnet-twice',
    promise: 'two networks with the same subnet, addresses and MACs are programmed side by side',
    async run(lab, check) {
      const { scene, a, b } = await openPair(lab, check)
      scene.network('green', [[4098, ['10.0.1.0/24', '10.0.1.1']]])
      await scene.endpoint('green', a, { name: 'c1', addresses: ['10.0.1.2'] })
      const twin = await scene.endpoint('green', b, { name: 'c2', addresses: ['10.0.1.3'] })
      check.equal(twin.mac, macOf('10.0.1.3'), 'bug: the MACs are the same')
      const desired = scene.desired(a)
      await scene.applied(a, desired)
      await scene.expectObserved(a, desired, 'observed with twins')
    },
  }),
]
