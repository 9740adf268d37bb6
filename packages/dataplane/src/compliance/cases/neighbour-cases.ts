/** Family neighbour: questions are answered on the spot, and the underlay hears nothing. */
import { equalBytes, type Ip, type Mac } from '@weft/core'
import {
  ARP_OPERATION,
  arpRequestFrame,
  dissect,
  neighbourSolicitationFrame,
  type Layer,
} from '@weft/wire'
import { capabilityName } from '../../capability-name.ts'
import type { Check } from '../check.ts'
import { defineCase, type ComplianceCase } from '../compliance-case.ts'
import type { Lab } from '../lab.ts'
import { DUAL, GATEWAY, type Placed } from '../cluster.ts'
import { addressOfFamily } from '../scene.ts'
import { eventually, SILENCE_MS, type Traffic } from '../traffic.ts'
import { layPair, openPair } from './pair.ts'

const OVERLAY_6 = capabilityName.overlayFamily(6)
const DUAL_ADDRESSES = [
  ['10.0.2.2', 'fd00:2::2'],
  ['10.0.2.3', 'fd00:2::3'],
] as const

/** The MAC that a frame says `ip` is at, if it is an answer about `ip`. */
function answer(frame: Uint8Array, ip: Ip): Mac | null {
  const layers: readonly Layer[] = dissect(frame)
  for (const layer of layers) {
    if (layer.kind === 'arp') {
      const { operation, senderIp, senderMac } = layer.header
      return operation === ARP_OPERATION.reply && senderIp === ip ? senderMac : null
    }
    if (layer.kind === 'icmpv6' && layer.header.kind === 'neighbour-advertisement') {
      const option = layer.header.options.find(({ kind }) => kind === 'target-link-layer')
      if (layer.header.target !== ip || layer.checksum !== 'good') return null
      return option?.kind === 'target-link-layer' ? option.mac : null
    }
  }
  return null
}

/** A question of this family about an address. */
function question(from: Placed, target: Ip, family: 4 | 6): Uint8Array {
  const sender = { mac: from.mac, ip: addressOfFamily(from, family) }
  return family === 4 ? arpRequestFrame(sender, target) : neighbourSolicitationFrame(sender, target)
}

/** MACs that answers so far name. */
async function answers(traffic: Traffic, at: Placed, ip: Ip): Promise<readonly Mac[]> {
  return (await traffic.inbox(at)).flatMap((frame) => answer(frame, ip) ?? [])
}

async function firstAnswer(
  { lab, check, traffic }: { lab: Lab; check: Check; traffic: Traffic },
  asker: Placed,
  ip: Ip,
): Promise<Mac> {
  let found: readonly Mac[] = []
  await eventually(lab, async () => {
    found = await answers(traffic, asker, ip)
    return found.length > 0
  })
  return check.some(found[0], `an answer for ${ip}`)
}

function answered(name: `neighbour/${string}`, family: 4 | 6): ComplianceCase {
  const protocol = family === 4 ? 'ARP' : 'neighbour discovery'
  return defineCase({
    name,
    promise: `${protocol} for a remote endpoint is answered on this node with its MAC`,
    requires: family === 6 ? [OVERLAY_6] : [],
    async run(lab, check) {
      const options = family === 6 ? { subnets: [DUAL], addresses: DUAL_ADDRESSES } : {}
      const { traffic, a, b, c1, c2 } = await openPair(lab, check, options)
      await traffic.tunnelled(a, b)
      const target = addressOfFamily(c2, family)
      const asked = question(c1, target, family)
      await traffic.send(c1, asked)
      check.equal(await firstAnswer({ lab, check, traffic }, c1, target), c2.mac, 'the answer')
      await traffic.expectReaches(c1, c2, { family })
      await traffic.expectNotTunnelled(asked, [a, b], 'the question does not cross the underlay')
      const heard = (await traffic.inbox(c2)).some((frame) => equalBytes(frame, asked))
      check.ok(!heard, 'the question is not heard on the other node')
    },
  })
}

function unanswered(name: `neighbour/${string}`, family: 4 | 6): ComplianceCase {
  return defineCase({
    name,
    promise: 'a question about an address that nobody has is neither answered nor flooded',
    requires: family === 6 ? [OVERLAY_6] : [],
    async run(lab, check) {
      const options = family === 6 ? { subnets: [DUAL], addresses: DUAL_ADDRESSES } : {}
      const { traffic, a, b, c1, c2 } = await openPair(lab, check, options)
      await traffic.tunnelled(a, b)
      const target = (family === 4 ? '10.0.1.200' : 'fd00:2::200') as Ip
      const asked = question(c1, target, family)
      await traffic.send(c1, asked)
      await traffic.expectReaches(c1, c2, { family })
      await lab.advance(SILENCE_MS)
      check.equal(await answers(traffic, c1, target), [], 'answers')
      await traffic.expectNotTunnelled(asked, [a, b], 'the question does not cross the underlay')
    },
  })
}

/** ARP and neighbour discovery. */
export const neighbourCases: readonly ComplianceCase[] = [
  answered('neighbour/arp', 4),
  answered('neighbour/nd', 6),
  unanswered('neighbour/arp-unknown', 4),
  unanswered('neighbour/nd-unknown', 6),
  defineCase({
    name: 'neighbour/gateway',
    promise: 'the gateway is answered for on every node, with a MAC of its own',
    async run(lab, check) {
      const { traffic, a, b, c1, c2 } = await openPair(lab, check)
      await traffic.tunnelled(a, b)
      for (const endpoint of [c1, c2]) {
        const asked = question(endpoint, GATEWAY, 4)
        await traffic.send(endpoint, asked)
        const mac = await firstAnswer({ lab, check, traffic }, endpoint, GATEWAY)
        check.ok(![c1.mac, c2.mac].includes(mac), 'the gateway has a MAC of its own')
        await traffic.expectNotTunnelled(asked, [a, b], 'the question does not cross the underlay')
      }
    },
  }),
  defineCase({
    name: 'neighbour/after-move',
    promise: 'an endpoint that moved is still answered for, and one that left is not',
    async run(lab, check) {
      const { scene, traffic, a, c1, c2 } = await layPair(lab, check)
      const c = await scene.node('c')
      await scene.converge()
      const moved = await scene.move(c2, c)
      await scene.converge()
      const [target] = moved.addresses
      if (target === undefined) return
      await traffic.send(c1, question(c1, target, 4))
      check.equal(await firstAnswer({ lab, check, traffic }, c1, target), c2.mac, 'the answer')
      scene.removeEndpoint(moved)
      await scene.applied(a)
      const count = (await answers(traffic, c1, target)).length
      await traffic.send(c1, question(c1, target, 4))
      await lab.advance(SILENCE_MS)
      check.equal((await answers(traffic, c1, target)).length, count, 'answers after it left')
    },
  }),
]
