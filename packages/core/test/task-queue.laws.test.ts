import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TaskQueue } from '../src/index.ts'

test('behaves as a list sorted by (instant, order of adding), whatever is cancelled', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('add' as const), at: fc.nat(50) }),
    fc.record({ do: fc.constant('cancel' as const), at: fc.nat(500) }),
    fc.record({ do: fc.constant('take' as const), at: fc.nat(60) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 500, size: 'max' }), (steps) => {
      const queue = new TaskQueue()
      const handles: Disposable[] = []
      let model: { at: number; id: number }[] = []
      let taken = -1
      for (const { do: what, at } of steps) {
        if (what === 'add') {
          const id = handles.length
          handles.push(queue.add(at, () => void (taken = id)))
          model.push({ at, id })
          model.sort((a, b) => a.at - b.at || a.id - b.id)
        } else if (what === 'cancel') {
          const victim = handles.length === 0 ? 0 : at % handles.length
          handles[victim]?.[Symbol.dispose]()
          model = model.filter(({ id }) => id !== victim)
        } else {
          const next = model[0] !== undefined && model[0].at <= at ? model.shift() : undefined
          const task = queue.take(at)
          task?.run()
          expect(task?.at).toBe(next?.at)
          if (next !== undefined) expect(taken).toBe(next.id)
        }
        expect(queue.size).toBe(model.length)
        expect(queue.nextAt()).toBe(model[0]?.at ?? null)
      }
    }),
  )
})
