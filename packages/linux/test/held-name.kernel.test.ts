/** Names that one holder at a time can have. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { HELD_NAME_BYTES_MAX, holdName } from '../src/index.ts'
import { openFds, scratch } from './scratch.ts'

const name = (text: string): string => `weft-test/${process.pid}/${text}`
const taken = expect.objectContaining({
  code: 'ERR_KERNEL',
  details: expect.objectContaining({ errno: 'EADDRINUSE' }),
})

function refusalOf(take: () => unknown): unknown {
  try {
    take()
  } catch (error) {
    return error
  }
  return null
}

test('a name has one holder, and is free when that one lets go', () => {
  const before = openFds()
  const first = holdName(name('one'))
  expect(refusalOf(() => holdName(name('one')))).toEqual(taken)
  holdName(name('two')).close()
  first.close()
  first.close()
  holdName(name('one')).close()
  expect(openFds()).toBe(before)
})

test('each network namespace has names of its own', () => {
  const [a, b] = [scratch().path, scratch().path]
  using first = holdName(name('one'), { namespace: a })
  using second = holdName(name('one'), { namespace: b })
  expect(refusalOf(() => holdName(name('one'), { namespace: a }))).toEqual(taken)
  expect([first, second]).toHaveLength(2)
})

test('a killed holder holds nothing', () => {
  const source = join(import.meta.dirname, '../src/index.ts')
  const held = name('killed')
  const script = `
    const { holdName } = await import(${JSON.stringify(source)})
    holdName(${JSON.stringify(held)})
    process.stdout.write('held')
    process.kill(process.pid, 'SIGKILL')`
  const words = ['--conditions=@weft/source', '--input-type=module', '--eval', script]
  const done = spawnSync(process.execPath, words, { encoding: 'utf8' })
  expect(done).toMatchObject({ signal: 'SIGKILL', stdout: 'held' })
  holdName(held).close()
})

test('the longest name is held, and a longer one refused', () => {
  holdName('n'.repeat(HELD_NAME_BYTES_MAX)).close()
  const refused = refusalOf(() => holdName('n'.repeat(HELD_NAME_BYTES_MAX + 1)))
  expect(refused).toMatchObject({ details: { errno: 'EINVAL' } })
})
