/** Family apply: what cannot be is named with its reason, and all else is programmed. */
import { parseMac } from '@weft/core'
import { capabilityName } from '../../capability-name.ts'
import type { Encapsulation } from '../../desired-state.ts'
import { defineCase, type ComplianceCase } from '../compliance-case.ts'
import { BLUE, DUAL, GREEN } from '../cluster.ts'
import { layPair, openPair } from './pair.ts'

const VXLAN = capabilityName.encapsulation('vxlan')

/** Failures of single items, their causes and their cure. */
export const failureCases: readonly ComplianceCase[] = [
  defineCase({
    name: 'apply/missing-attachment',
    promise: 'an endpoint whose attachment is not there fails alone, and is tried again',
    async run(lab, check) {
      const { scene, traffic, a, c1, c2 } = await openPair(lab, check)
      const c3 = await scene.endpoint('blue', a, { name: 'c3', addresses: ['10.0.1.5'] })
      scene.replace(c3, { attachment: a.missingAttachment() })
      const report = await scene.apply(a)
      const failures = report.failures.map(({ item, error }) => [item, error.code])
      const expected = [['networks/blue/local/c3', 'ERR_ATTACHMENT_MISSING']]
      check.equal(failures, expected, 'failures')
      await traffic.expectReaches(c1, c2)
      const items = (await a.dataplane.observe()).items
      check.ok(!items.has('networks/blue/local/c3'), 'what failed is not half-made')
      const again = await scene.apply(a)
      check.equal(again.failures.length, 1, 'failures while the cause lasts')
      const cured = scene.replace(c3, {})
      await scene.converge()
      await traffic.expectReaches(cured, c2)
    },
  }),
  defineCase({
    name: 'apply/another-namespace',
    promise: 'a path that leads to another namespace than was meant fails its endpoint, alone',
    requires: [capabilityName.attachment('netns')],
    async run(lab, check) {
      const { scene, traffic, a, c1, c2 } = await openPair(lab, check)
      const c3 = await scene.endpoint('blue', a, { name: 'c3', addresses: ['10.0.1.5'] })
      const { attachment } = c3
      if (attachment.kind !== 'netns') throw new Error('bug: this lab attaches by namespaces')
      const other = { attachment: { ...attachment, identity: '0:1' } }
      scene.replace(c3, other)
      const expectRefused = async (when: string): Promise<void> => {
        const { failures } = await scene.apply(a)
        const facts = failures.map(({ item, error }) => [item, error.code])
        const expected = [['networks/blue/local/c3', 'ERR_ATTACHMENT_MISSING']]
        check.equal(facts, expected, `failures ${when}`)
        const { items } = await a.dataplane.observe()
        check.ok(!items.has('networks/blue/local/c3'), `it is not attached ${when}`)
      }
      await expectRefused('at first')
      await traffic.expectReaches(c1, c2)
      const cured = scene.replace(c3, {})
      await scene.converge()
      await traffic.expectReaches(cured, c2)
      scene.replace(c3, other)
      await expectRefused('when it was attached without being asked which')
    },
  }),
  defineCase({
    name: 'apply/vni-taken-by-foreigner',
    promise: 'a VNI that somebody else holds is a conflict that names the holder; the rest goes on',
    async run(lab, check) {
      const { scene, traffic, a, b, c1, c2 } = await openPair(lab, check)
      const foreign = { kind: 'vni', vni: 4098 } as const
      await a.plantForeign(foreign)
      scene.network('green', [GREEN])
      await scene.endpoint('green', a, { name: 'g1', addresses: ['10.0.1.2'] })
      await scene.endpoint('green', b, { name: 'g2', addresses: ['10.0.1.3'] })
      const { failures } = await scene.apply(a)
      const conflict = failures.find(({ error }) => error.code === 'ERR_CONFLICT')
      check.equal(conflict?.item, 'networks/green/subnets/4098', 'the item in conflict')
      const { details } = check.some(conflict, 'a conflict').error
      check.ok('owner' in details && details.owner !== '', 'the conflict names an owner')
      const items = failures.map(({ item }) => item).sort()
      check.ok(items.includes('networks/green/local/g1'), 'what depends on it fails too')
      check.ok(
        items.every((item) => item.startsWith('networks/green')),
        'nothing else fails',
      )
      check.ok(await a.foreignIntact(foreign), 'the foreign object is untouched')
      await scene.applied(b)
      await traffic.expectReaches(c1, c2)
    },
  }),
  defineCase({
    name: 'apply/interface-taken-by-foreigner',
    promise: 'an interface name that somebody else has is a conflict, and theirs stays as it is',
    async run(lab, check) {
      const { scene, traffic, a, c1, c2 } = await openPair(lab, check)
      const c3 = await scene.endpoint('blue', a, { name: 'c3', addresses: ['10.0.1.5'] })
      const foreign = { kind: 'interface', attachment: c3.inside.attachment } as const
      await a.plantForeign(foreign)
      const { failures } = await scene.apply(a)
      const codes = failures.map(({ item, error }) => [item, error.code])
      check.equal(codes, [['networks/blue/local/c3', 'ERR_CONFLICT']], 'failures')
      check.ok(await a.foreignIntact(foreign), 'the foreign interface is untouched')
      await traffic.expectReaches(c1, c2)
    },
  }),
  defineCase({
    name: 'apply/mtu-too-large',
    promise:
      'an MTU that the underlay cannot carry fails that network with the largest that it can',
    async run(lab, check) {
      const { scene, traffic, a, c1, c2 } = await openPair(lab, check)
      const mtuMax = scene.mtuOf({ mtu: null })
      scene.network('green', [GREEN], { mtu: mtuMax + 1 })
      const { failures } = await scene.apply(a)
      const found = failures.map(({ item, error }) => [item, error.code])
      check.ok(
        found.some(([item, code]) => item === 'networks/green' && code === 'ERR_MTU'),
        `the network fails for its MTU: ${JSON.stringify(found)}`,
      )
      const { details } = check.some(failures[0], 'a failure').error
      check.equal('mtuMax' in details ? details.mtuMax : null, mtuMax, 'the largest MTU')
      await traffic.expectReaches(c1, c2)
      scene.network('green', [GREEN], { mtu: mtuMax })
      await scene.applied(a)
    },
  }),
  defineCase({
    name: 'apply/dependents-fail-with-it',
    promise: 'what depends on a failed item says so by name and comes back with it',
    async run(lab, check) {
      const { scene, traffic, a, b, c1, c2 } = await openPair(lab, check)
      scene.network('blue', [BLUE, [0, ['10.0.64.0/24', null]]])
      const e1 = await scene.endpoint('blue', a, { name: 'e1', addresses: ['10.0.64.2'] })
      const e2 = await scene.endpoint('blue', b, { name: 'e2', addresses: ['10.0.64.3'] })
      const { failures } = await scene.apply(a)
      const facts = failures.map(({ item, error }) => [
        item,
        error.code,
        error.code === 'ERR_DEPENDENCY' ? error.details.dependsOn : '',
      ])
      const expected = [
        ['networks/blue/local/e1', 'ERR_DEPENDENCY', 'networks/blue/subnets/0'],
        ['networks/blue/remote/e2', 'ERR_DEPENDENCY', 'networks/blue/subnets/0'],
        ['networks/blue/subnets/0', 'ERR_INVALID_ITEM', ''],
      ]
      check.equal(facts.sort(), expected, 'failures')
      await traffic.expectReaches(c1, c2)
      scene.network('blue', [BLUE, [6000, ['10.0.64.0/24', null]]])
      await scene.converge()
      await traffic.expectReaches(e1, e2)
    },
  }),
  unsupportedEncapsulation('vxlan-esp'),
  defineCase({
    name: 'apply/overlay-ipv6-missing',
    promise: 'without IPv6 inside, a subnet that has it fails as unsupported and the others go on',
    requires: [VXLAN, `without ${capabilityName.overlayFamily(6)}`],
    async run(lab, check) {
      const { scene, traffic, a, c1, c2 } = await openPair(lab, check)
      scene.network('green', [GREEN, DUAL])
      const { failures } = await scene.apply(a)
      const facts = failures.map(({ item, error }) => [item, error.code])
      check.equal(facts, [['networks/green/subnets/4099', 'ERR_UNSUPPORTED']], 'failures')
      await traffic.expectReaches(c1, c2)
    },
  }),
  defineCase({
    name: 'apply/underlay-ipv6-missing',
    promise: 'without IPv6 below, a tunnel on an IPv6 address fails as unsupported',
    requires: [`without ${capabilityName.underlayFamily(6)}`],
    world: { underlay: 6 },
    conserves: false,
    async run(lab, check) {
      const { scene, a } = await layPair(lab, check, { world: { underlay: 6 } })
      const { failures } = await scene.apply(a)
      const tunnel = failures.find(({ item }) => item === 'tunnel')
      check.equal(tunnel?.error.code, 'ERR_UNSUPPORTED', 'the tunnel')
      const others = failures.filter(({ item }) => item !== 'tunnel')
      check.ok(
        others.length > 0 && others.every(({ error }) => error.code === 'ERR_DEPENDENCY'),
        'everything else fails with it',
      )
      check.equal((await a.dataplane.observe()).items, new Map(), 'nothing is programmed')
    },
  }),
  attachmentMissing('netns'),
  attachmentMissing('port'),
]

function unsupportedEncapsulation(encapsulation: Encapsulation): ComplianceCase {
  const capability = capabilityName.encapsulation(encapsulation)
  return defineCase({
    name: `apply/${encapsulation}-missing`,
    promise: `without ${encapsulation}, such a network fails as unsupported, never in clear text`,
    requires: [VXLAN, `without ${capability}`],
    async run(lab, check) {
      const { scene, traffic, a, b, c1, c2 } = await openPair(lab, check)
      scene.network('secret', [GREEN], { encapsulation })
      const s1 = await scene.endpoint('secret', a, { name: 's1', addresses: ['10.0.1.2'] })
      const s2 = await scene.endpoint('secret', b, { name: 's2', addresses: ['10.0.1.3'] })
      for (const node of [a, b]) {
        const { failures } = await scene.apply(node)
        const network = failures.find(({ item }) => item === 'networks/secret')
        const { code, details } = check.some(network, `a failure on ${node.name}`).error
        // Beside a backend of another kind, which may have it, and then lacks a key.
        if (node.dataplane.backend !== a.dataplane.backend) continue
        check.equal(code, 'ERR_UNSUPPORTED', `the network on ${node.name}`)
        check.equal('capability' in details && details.capability, capability, 'what is lacking')
      }
      const frame = traffic.frame(s1, s2)
      await traffic.send(s1, frame)
      await traffic.expectReaches(c1, c2)
      await traffic.expectNotTunnelled(frame, [a, b], 'nothing crosses in clear text')
    },
  })
}

function attachmentMissing(kind: 'netns' | 'port'): ComplianceCase {
  const capability = capabilityName.attachment(kind)
  return defineCase({
    name: `apply/attachment-${kind}-missing`,
    promise: `without attachments of kind ${kind}, such an endpoint fails as unsupported, alone`,
    requires: [`without ${capability}`],
    async run(lab, check) {
      const { scene, traffic, a, c1, c2 } = await openPair(lab, check)
      const port = { present: true, deliver: () => undefined, connect: () => undefined }
      const attachment =
        kind === 'port'
          ? { kind, port }
          : ({ kind, path: '/run/netns/weft-none', ifname: 'eth0' } as const)
      const wanted = scene.desired(a)
      const blue = check.some(wanted.networks.get('blue'), 'network blue')
      const odd = { mac: parseMac('02:42:0a:00:01:09'), addresses: c1.addresses, attachment }
      const address = { ...odd, addresses: ['10.0.1.9' as (typeof c1.addresses)[number]] }
      const local = new Map([...blue.local, ['c9', address] as const])
      const networks = new Map([...wanted.networks, ['blue', { ...blue, local }] as const])
      const { failures } = await scene.apply(a, { ...wanted, networks })
      const facts = failures.map(({ item, error }) => [
        item,
        error.code === 'ERR_UNSUPPORTED' ? error.details.capability : error.code,
      ])
      check.equal(facts, [['networks/blue/local/c9', capability]], 'failures')
      await traffic.expectReaches(c1, c2)
    },
  })
}
