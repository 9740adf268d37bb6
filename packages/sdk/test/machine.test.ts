/** What a node finds out about the machine it runs on. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import { nodeMachine } from '../src/machine.ts'

const { processOf } = nodeMachine()
const pathOf = (pid: number | undefined): string => `/proc/${pid ?? 0}/ns/net`

describe('which process a path means', () => {
  const { title } = process
  afterEach(() => void (process.title = title))

  test('is the same as long as it is the same one, whatever it calls itself', async () => {
    const own = await processOf(pathOf(process.pid))
    expect(own).toMatch(/^[0-9a-f-]{36} \d+ \d+$/)
    process.title = 'odd) R 1 (name'
    expect(await processOf(pathOf(process.pid))).toBe(own)
    expect(await processOf(`/proc/${process.pid}/task/${process.pid}/ns/net`)).toBe(own)
  })

  test('is another one for another process, and none when it has ended', async () => {
    const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'])
    await once(child, 'spawn')
    const other = await processOf(pathOf(child.pid))
    expect(other).not.toBe('')
    expect(other).not.toBe(await processOf(pathOf(process.pid)))
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await processOf(pathOf(child.pid))).toBe('')
  })

  test.each(['/run/netns/c1', '/proc/self/ns/net', '/proc/0/ns/net', '/proc/1/ns/uts', ''])(
    'is not said by %j',
    async (path) => {
      expect(await processOf(path)).toBe('')
    },
  )
})
