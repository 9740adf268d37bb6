/** Family forward: what tunnels look like on the underlay, and what comes in from there. */
import { ipFamily } from '@weft/core'
import { ENTROPY_PORT_MIN, VXLAN_PORT } from '@weft/wire'
import { capabilityName } from '../../capability-name.ts'
import type { Check } from '../check.ts'
import { defineCase, type ComplianceCase } from '../compliance-case.ts'
import type { Lab, LabOptions } from '../lab.ts'
import { BLUE, DUAL } from '../cluster.ts'
import { layPair, openPair, type Pair } from './pair.ts'
import { inject, tunnelled } from './tunnelled.ts'

const OVERLAY_6 = capabilityName.overlayFamily(6)
const UNDERLAY_6 = capabilityName.underlayFamily(6)
const NO_FLAGS = 0

/** Outer headers, ports, sizes, and datagrams that must be refused. */
export const underlayCases: readonly ComplianceCase[] = [
  outerHeaders('forward/outer-headers', { underlay: 4 }, []),
  outerHeaders('forward/outer-headers-ipv6', { underlay: 6 }, [UNDERLAY_6]),
  mtuEdge('forward/mtu-edge', { underlay: 4 }, []),
  mtuEdge('forward/mtu-edge-ipv6-underlay', { underlay: 6 }, [UNDERLAY_6]),
  mtuEdge('forward/mtu-edge-jumbo', { underlayMtuBytes: 9000 }, []),
  defineCase({
    name: 'forward/ipv6-over-ipv6',
    promise: 'IPv6 endpoints reach each other over an IPv6 underlay',
    requires: [OVERLAY_6, UNDERLAY_6],
    world: { underlay: 6 },
    async run(lab, check) {
      const { traffic, c1, c2 } = await openPair(lab, check, {
        world: { underlay: 6 },
        subnets: [DUAL],
        addresses: [
          ['10.0.2.2', 'fd00:2::2'],
          ['10.0.2.3', 'fd00:2::3'],
        ],
      })
      await traffic.expectReaches(c1, c2, { family: 6 })
      await traffic.expectReaches(c2, c1, { family: 4 })
    },
  }),
  defineCase({
    name: 'forward/source-port-entropy',
    promise: 'one flow keeps one outer source port, and many flows spread over many',
    async run(lab, check) {
      const { traffic, a, b, c1, c2 } = await openPair(lab, check)
      await traffic.tunnelled(a, b)
      const ports = new Set<number>()
      for (let flow = 0; flow < 16; flow++) {
        const options = { sourcePort: 20_000 + flow, destinationPort: 9 }
        const of: number[] = []
        for (let twice = 0; twice < 2; twice++) {
          const frame = await traffic.expectReaches(c1, c2, options)
          const { from } = await traffic.expectTunnelled(frame, { nodes: [a, b] })
          of.push(from.port)
          ports.add(from.port)
        }
        check.equal(of[0], of[1], `outer source ports of flow ${flow}`)
      }
      check.ok(ports.size >= 8, `16 flows use ${ports.size} outer source ports`)
      const low = [...ports].filter((port) => port < 1024)
      check.equal(
        low,
        [],
        `source ports are unprivileged (RFC 7348 suggests ${ENTROPY_PORT_MIN} up)`,
      )
    },
  }),
  defineCase({
    name: 'forward/custom-ports',
    promise: 'nodes whose tunnels use different ports, none of them 4789, talk to each other',
    async run(lab, check) {
      const { scene, traffic, a, b, c1, c2 } = await layPair(lab, check)
      scene.retunnel('a', { ip: a.tunnel.ip, port: 4790 })
      scene.retunnel('b', { ip: b.tunnel.ip, port: 14_789 })
      await scene.converge()
      await traffic.tunnelled(a, b, 14_789)
      const there = await traffic.expectReaches(c1, c2)
      await traffic.expectTunnelled(there, { nodes: [a, b], port: 14_789 })
      const back = await traffic.expectReaches(c2, c1)
      check.equal(await traffic.countOf(back, c1), 1, 'the answer comes to port 4790')
    },
  }),
  defineCase({
    name: 'forward/no-hairpin',
    promise: 'a datagram for an endpoint of a third node is not sent on',
    conserves: false,
    async run(lab, check) {
      const { scene, traffic, a, b, c1, c2 } = await layPair(lab, check)
      const c = await scene.node('c')
      const c3 = await scene.endpoint('blue', c, { name: 'c3', addresses: ['10.0.1.4'] })
      await scene.converge()
      await traffic.tunnelled(b, c)
      const frame = traffic.frame(c1, c3)
      await inject(scene, { from: a, to: b }, tunnelled(BLUE[0], frame))
      await traffic.expectReaches(c1, c2)
      await traffic.expectReaches(c2, c3)
      await traffic.expectNowhere(frame, [c2, c3, c1], 'a frame delivered to the wrong node')
      await traffic.expectNotTunnelled(frame, [b, c], 'the wrong node does not send it on')
    },
  }),
  defineCase({
    name: 'forward/injected',
    promise: 'a well-formed datagram is delivered; one with an unknown VNI or no I flag is not',
    conserves: false,
    async run(lab, check) {
      const { scene, traffic, a, b, c1, c2 } = await openPair(lab, check)
      const [good, unknown, flagless] = [1, 2, 3].map(() => traffic.frame(c1, c2))
      if (good === undefined || unknown === undefined || flagless === undefined) return
      await inject(scene, { from: a, to: b }, tunnelled(4242, unknown))
      await inject(scene, { from: a, to: b }, tunnelled(BLUE[0], flagless, NO_FLAGS))
      await inject(scene, { from: a, to: b }, tunnelled(BLUE[0], good))
      await traffic.expectArrival(good, c2, 'the well-formed datagram')
      await traffic.expectNowhere(unknown, [c2], 'an unknown VNI')
      await traffic.expectNowhere(flagless, [c2], 'a header without the I flag')
    },
  }),
  defineCase({
    name: 'forward/malformed',
    promise: 'datagrams that are cut short or garbage are survived, and traffic goes on',
    conserves: false,
    async run(lab, check) {
      const { scene, traffic, a, b, c1, c2 } = await openPair(lab, check)
      const whole = tunnelled(BLUE[0], traffic.frame(c1, c2))
      const cut = [0, 1, 7, 8, 9, 13, 21, 22].map((length) => whole.slice(0, length))
      for (const payload of cut) await inject(scene, { from: a, to: b }, payload)
      await inject(scene, { from: a, to: b }, new Uint8Array(64).fill(0xff))
      await traffic.expectReaches(c1, c2)
      await traffic.expectReaches(c2, c1)
    },
  }),
  defineCase({
    name: 'forward/counters',
    promise: 'tunnel datagrams are counted where they leave and where they arrive, by network too',
    async run(lab, check) {
      const { traffic, a, b, c1, c2 } = await openPair(lab, check)
      const before = [await a.dataplane.counters(), await b.dataplane.counters()] as const
      for (let i = 0; i < 5; i++) await traffic.expectReaches(c1, c2)
      const after = [await a.dataplane.counters(), await b.dataplane.counters()] as const
      const sent = after[0].transmitted - before[0].transmitted
      const got = after[1].received - before[1].received
      check.ok(sent >= 5, `five frames make ${sent} datagrams leave a`)
      check.ok(got >= 5, `five frames make ${got} datagrams arrive at b`)
      const network = check.some(after[0].networks.get('blue'), 'counters of network blue')
      check.ok(network.transmitted >= 5, 'the network counts what left')
      check.equal(after[0].drift, 0, 'no drift')
    },
  }),
]

function outerHeaders(
  name: `forward/${string}`,
  world: Partial<LabOptions>,
  requires: readonly string[],
): ComplianceCase {
  return defineCase({
    name,
    promise: `over IPv${world.underlay ?? 4} datagrams go from VTEP to VTEP with the network's VNI`,
    requires,
    world,
    async run(lab, check) {
      const { traffic, a, b, c1, c2 } = await openPair(lab, check, { world })
      await traffic.tunnelled(a, b)
      const frame = await traffic.expectReaches(c1, c2)
      const { from, to, vni } = await traffic.expectTunnelled(frame, { nodes: [a, b] })
      check.equal(vni, BLUE[0], 'VNI')
      check.equal([from.ip, to.ip], [a.tunnel.ip, b.tunnel.ip], 'outer addresses')
      check.equal(to.port, VXLAN_PORT, 'outer destination port')
      check.equal(ipFamily(to.ip), world.underlay ?? 4, 'family of the underlay')
    },
  })
}

function mtuEdge(
  name: `forward/${string}`,
  world: Partial<LabOptions>,
  requires: readonly string[],
): ComplianceCase {
  return defineCase({
    name,
    promise: 'the largest packet passes whole and one byte more does not pass',
    requires,
    world,
    async run(lab, check) {
      const pair = await openPair(lab, check, { world })
      await checkEdge(lab, check, pair)
    },
  })
}

async function checkEdge(_lab: Lab, check: Check, pair: Pair): Promise<void> {
  const { scene, traffic, a, b, c1, c2 } = pair
  const mtu = scene.mtuOf({ mtu: null })
  check.equal(await c1.inside.mtuBytes(), mtu, 'MTU inside')
  await traffic.tunnelled(a, b)
  for (const packetBytes of [mtu - 1, mtu]) {
    const frame = await traffic.expectReaches(c1, c2, { packetBytes })
    await traffic.expectTunnelled(frame, { nodes: [a, b] })
  }
  const long = traffic.frame(c1, c2, { packetBytes: mtu + 1 })
  await traffic.send(c1, long)
  await traffic.expectReaches(c1, c2)
  await traffic.expectNowhere(long, [c2], 'a packet one byte too long')
  await traffic.expectNotTunnelled(long, [a, b], 'a packet one byte too long does not leave')
}
