/** Family close: endings leave no trace, or exactly what a successor needs. */
import { capabilityName } from '../../capability-name.ts'
import { defineCase, type ComplianceCase } from '../compliance-case.ts'
import { Scene } from '../scene.ts'
import { SILENCE_MS } from '../traffic.ts'
import { layPair, openPair } from './pair.ts'

/** Teardown, detach, and verbs after the end. */
export const closeCases: readonly ComplianceCase[] = [
  defineCase({
    name: 'close/teardown',
    promise: 'after teardown nothing forwards, nothing is attached and nothing is left',
    conserves: false,
    async run(lab, check) {
      const { traffic, a, c1, c2 } = await openPair(lab, check)
      await traffic.expectReaches(c1, c2)
      await a.dataplane.close('teardown')
      check.equal(await c1.inside.mtuBytes(), null, 'MTU inside after teardown')
      const frame = traffic.frame(c1, c2)
      await traffic.send(c1, frame)
      await lab.advance(SILENCE_MS)
      await traffic.expectNowhere(frame, [c2], 'a frame sent after teardown')
      await a.reopen()
      const { items, foreign } = await a.dataplane.observe()
      check.equal([items, foreign], [new Map(), []], 'what a successor observes')
    },
  }),
  defineCase({
    name: 'close/detach',
    promise: 'after detach a persistent backend goes on forwarding',
    requires: [capabilityName.persistent],
    conserves: false,
    async run(lab, check) {
      const { traffic, a, c1, c2 } = await openPair(lab, check)
      await a.dataplane.close('detach')
      await traffic.expectReaches(c1, c2)
      await traffic.expectReaches(c2, c1)
      await a.reopen()
      await a.dataplane.close('teardown')
    },
  }),
  defineCase({
    name: 'close/detach-not-persistent',
    promise: 'after detach a backend that is not persistent forwards nothing and leaves nothing',
    requires: [`without ${capabilityName.persistent}`],
    conserves: false,
    async run(lab, check) {
      const { traffic, a, c1, c2 } = await openPair(lab, check)
      await a.dataplane.close('detach')
      const frame = traffic.frame(c1, c2)
      await traffic.send(c1, frame)
      await lab.advance(SILENCE_MS)
      await traffic.expectNowhere(frame, [c2], 'a frame sent after detach')
    },
  }),
  defineCase({
    name: 'close/closed',
    promise: 'verbs after close are refused as closed, and closing again does nothing',
    conserves: false,
    async run(lab, check) {
      const { scene, a } = await openPair(lab, check)
      const desired = scene.desired(a)
      await a.dataplane.close('teardown')
      await check.rejects(a.dataplane.apply(desired), 'ERR_CLOSED', 'apply')
      await check.rejects(a.dataplane.observe(), 'ERR_CLOSED', 'observe')
      await check.rejects(a.dataplane.counters(), 'ERR_CLOSED', 'counters')
      await a.dataplane.close('teardown')
      await a.dataplane.close('detach')
      await a.dataplane[Symbol.asyncDispose]()
    },
  }),
  defineCase({
    name: 'close/while-applying',
    promise: 'an apply that runs when close is called is finished or refused, and nothing is left',
    conserves: false,
    async run(lab, check) {
      const { scene, a, c1 } = await layPair(lab, check)
      const desired = [scene.desired(a), scene.desired(a), scene.desired(a)]
      const applying = desired.map((d) =>
        a.dataplane.apply(d).then(
          ({ outcome }) => outcome as string,
          (error: unknown) => (error as { code?: string }).code ?? String(error),
        ),
      )
      await a.dataplane.close('teardown')
      const outcomes = await Promise.all(applying)
      const known = ['applied', 'superseded', 'ERR_CLOSED']
      check.ok(
        outcomes.every((o) => known.includes(o)),
        `outcomes: ${outcomes.join(', ')}`,
      )
      check.equal(await c1.inside.mtuBytes(), null, 'MTU inside afterwards')
      await a.reopen()
      check.equal((await a.dataplane.observe()).items, new Map(), 'what a successor observes')
    },
  }),
  defineCase({
    name: 'close/before-any-apply',
    promise: 'a dataplane that never applied anything closes without a trace',
    conserves: false,
    async run(lab, check) {
      const scene = new Scene(lab, check)
      const a = await scene.node('a')
      await a.dataplane.close('teardown')
      await a.reopen()
      await a.dataplane.close('detach')
    },
  }),
]
