/** Family adopt: what outlives the process that programmed it, and what a successor makes of it. */
import { capabilityName } from '../../capability-name.ts'
import { defineCase, type ComplianceCase } from '../compliance-case.ts'
import { GREEN } from '../cluster.ts'
import { freshCopy } from './apply-cases.ts'
import { openPair } from './pair.ts'

const PERSISTENT = capabilityName.persistent

/** Crash, detach, reopen. */
export const adoptCases: readonly ComplianceCase[] = [
  defineCase({
    name: 'adopt/crash-keeps-forwarding',
    promise: 'when the process dies, frames go on through its machinery, both ways',
    requires: [PERSISTENT],
    conserves: false,
    async run(lab, check) {
      const { traffic, a, b, c1, c2 } = await openPair(lab, check)
      await a.crash()
      await traffic.expectReaches(c1, c2)
      await traffic.expectReaches(c2, c1)
      await b.crash()
      await traffic.expectReaches(c1, c2)
    },
  }),
  defineCase({
    name: 'adopt/unchanged',
    promise: 'a successor told the same adopts what it finds and changes nothing, losing no frame',
    requires: [PERSISTENT],
    conserves: false,
    async run(lab, check) {
      const { scene, traffic, a, c1, c2 } = await openPair(lab, check)
      const desired = scene.desired(a)
      await scene.applied(a, desired)
      await a.crash()
      await a.reopen()
      await scene.expectFound(a, desired, 'observed before the successor applies')
      const report = await scene.applied(a, freshCopy({ ...desired, generation: 1 }))
      check.equal(report.changed, scene.remade(desired), 'items changed by the successor')
      check.equal(report.collected, [], 'things collected')
      check.equal((await a.dataplane.observe()).foreign, [], 'foreign things')
      await traffic.expectReaches(c1, c2)
      await traffic.expectReaches(c2, c1)
    },
  }),
  defineCase({
    name: 'adopt/changed',
    promise: 'a successor told otherwise converges, and reports the leftovers it collected',
    requires: [PERSISTENT],
    conserves: false,
    async run(lab, check) {
      const { scene, traffic, a, b, c1, c2 } = await openPair(lab, check)
      scene.network('green', [GREEN])
      await scene.endpoint('green', a, { name: 'g1', addresses: ['10.0.1.2'] })
      const c3 = await scene.endpoint('blue', a, { name: 'c3', addresses: ['10.0.1.5'] })
      const c4 = await scene.endpoint('blue', b, { name: 'c4', addresses: ['10.0.1.6'] })
      await scene.converge()
      await a.crash()
      await a.reopen()
      scene.removeNetwork('green')
      scene.removeEndpoint(c3)
      scene.removeEndpoint(c4)
      const c5 = await scene.endpoint('blue', b, { name: 'c5', addresses: ['10.0.1.7'] })
      const desired = scene.desired(a)
      const report = await scene.applied(a, desired)
      await scene.applied(b)
      await scene.expectObserved(a, desired, 'observed after the successor applied')
      const gone = ['networks/green', 'networks/blue/local/c3']
      for (const path of gone) {
        const named = report.collected.some((item) => item === path || item.startsWith(`${path}/`))
        check.ok(named, `${path} is reported as collected: ${report.collected.join(', ')}`)
      }
      const kept = report.collected.filter((item) => item.includes('c1'))
      check.equal(kept, [], 'things collected that are desired')
      const again = await scene.applied(a)
      check.equal(again.collected, [], 'what is collected once is not collected again')
      await traffic.expectReaches(c1, c2)
      await traffic.expectReaches(c1, c5)
    },
  }),
  defineCase({
    name: 'adopt/nothing-desired',
    promise: 'a successor that is told of nothing removes everything of its predecessor',
    requires: [PERSISTENT],
    conserves: false,
    async run(lab, check) {
      const { scene, a, c1 } = await openPair(lab, check)
      await a.crash()
      await a.reopen()
      scene.removeNetwork('blue')
      const report = await scene.applied(a)
      check.ok(report.collected.length > 0, 'something is collected')
      check.equal((await a.dataplane.observe()).items, new Map(), 'observed afterwards')
      check.equal(await c1.inside.mtuBytes(), null, 'MTU inside the detached endpoint')
    },
  }),
  defineCase({
    name: 'adopt/damaged-meanwhile',
    promise: 'what was damaged while nobody watched is put right by the successor',
    requires: [PERSISTENT],
    conserves: false,
    async run(lab, check) {
      const { scene, traffic, a, c1, c2 } = await openPair(lab, check)
      const desired = scene.desired(a)
      await scene.applied(a, desired)
      await a.crash()
      await a.sabotage({ kind: 'delete-forwarding', network: 'blue', mac: c2.mac })
      await a.sabotage({ kind: 'delete-endpoint', network: 'blue', endpoint: 'c1' })
      await a.reopen()
      const report = await scene.applied(a, { ...desired, generation: 1 })
      check.ok(report.changed >= 2, `two damaged items make ${report.changed} changed ones`)
      await scene.expectObserved(a, desired, 'observed after the successor applied')
      await traffic.expectReaches(c1, c2)
      await traffic.expectReaches(c2, c1)
    },
  }),
  defineCase({
    name: 'adopt/after-detach',
    promise: 'a dataplane closed with detach is adopted like one that died',
    requires: [PERSISTENT],
    conserves: false,
    async run(lab, check) {
      const { scene, traffic, a, c1, c2 } = await openPair(lab, check)
      const desired = scene.desired(a)
      await scene.applied(a, desired)
      await a.dataplane.close('detach')
      await traffic.expectReaches(c1, c2)
      await a.reopen()
      const { changed } = await scene.applied(a, desired)
      check.equal(changed, scene.remade(desired), 'items changed by the successor')
      await traffic.expectReaches(c2, c1)
    },
  }),
  defineCase({
    name: 'adopt/foreign',
    promise:
      "objects that carry no mark of ours are somebody else's: untouched by crash and successor",
    requires: [PERSISTENT],
    conserves: false,
    async run(lab, check) {
      const { scene, traffic, a, c1, c2 } = await openPair(lab, check)
      const foreign = { kind: 'vni', vni: 9999 } as const
      await a.plantForeign(foreign)
      const free = await a.endpoint('free', { mac: c1.mac, addresses: c1.addresses })
      const other = { kind: 'interface', attachment: free.attachment } as const
      await a.plantForeign(other)
      await a.crash()
      await a.reopen()
      const report = await scene.applied(a)
      check.equal(report.collected, [], 'things collected')
      check.ok(await a.foreignIntact(foreign), 'the foreign tunnel is untouched')
      check.ok(await a.foreignIntact(other), 'the foreign interface is untouched')
      await traffic.expectReaches(c1, c2)
      await a.dataplane.close('teardown')
      check.ok(await a.foreignIntact(foreign), 'the foreign tunnel outlives teardown')
      check.ok(await a.foreignIntact(other), 'the foreign interface outlives teardown')
    },
  }),
  defineCase({
    name: 'adopt/not-persistent',
    promise: 'a backend that is not persistent stops forwarding with its process and starts clean',
    requires: [`without ${PERSISTENT}`],
    conserves: false,
    async run(lab, check) {
      const { scene, traffic, a, c1, c2 } = await openPair(lab, check)
      await a.crash()
      const frame = traffic.frame(c1, c2)
      await traffic.send(c1, frame)
      await a.reopen()
      check.equal((await a.dataplane.observe()).items, new Map(), 'observed after the crash')
      const desired = scene.desired(a)
      const report = await scene.applied(a, desired)
      check.equal(report.collected, [], 'things collected')
      await traffic.expectReaches(c1, c2)
      await traffic.expectNowhere(frame, [c2], 'a frame sent while nothing ran')
    },
  }),
]
