/** What a node finds out about the machine it runs on. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import { nodeMachine } from '../src/machine.ts'

const { holderOf } = nodeMachine()
const pathOf = (pid: number | undefined): string => `/proc/${pid ?? 0}/ns/net`

describe('which process a path means', () => {
  const { title } = process
  afterEach(() => void (process.title = title))

  test('is the same as long as it is the same one, whatever it calls itself', async () => {
    const own = await holderOf(pathOf(process.pid))
    const { dev, ino } = statSync('/proc/self/ns/net')
    const started = expect.stringMatching(/^[0-9a-f-]{36} \d+$/) as string
    expect(own).toEqual({ process: started, identity: `${dev}:${ino}` })
    process.title = 'odd) R 1 (name'
    expect(await holderOf(pathOf(process.pid))).toEqual(own)
    expect(await holderOf(`/proc/${process.pid}/task/${process.pid}/ns/net`)).toEqual(own)
  })

  test('is another one for another process, and none when it has ended', async () => {
    const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'])
    await once(child, 'spawn')
    const other = await holderOf(pathOf(child.pid))
    const own = await holderOf(pathOf(process.pid))
    expect(other?.identity).toBe(own?.identity)
    expect(other?.process).not.toBe(own?.process)
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await holderOf(pathOf(child.pid))).toBe(null)
  })

  test.each(['/run/netns/c1', '/proc/self/ns/net', '/proc/0/ns/net', '/proc/1/ns/uts', ''])(
    'is not said by %j',
    async (path) => {
      expect(await holderOf(path)).toBe(null)
    },
  )
})
