/** Private worlds: what is made inside vanishes, exit codes come through, refusals say why. */
import { NAMESPACE_DIRECTORY, listNamespaces } from '@weft/linux'
import { spawnSync, type SpawnSyncReturns } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { privateWorldCommand, runPrivately, WORLD_VARIABLE } from '../src/private-world.ts'

const ENTER = join(import.meta.dirname, '../src/enter.ts')
const SCRIPT_TIMEOUT_MS = 20_000

function enter(command: readonly string[], env: NodeJS.ProcessEnv = {}): SpawnSyncReturns<string> {
  const node = ['--conditions=@weft/source', ENTER, ...command]
  const options = { encoding: 'utf8', timeout: SCRIPT_TIMEOUT_MS } as const
  return spawnSync(process.execPath, node, { ...options, env: { ...process.env, ...env } })
}

describe('enter', () => {
  it('runs a program where nothing is but a loopback that is up', () => {
    const count = `ls ${NAMESPACE_DIRECTORY} | wc -l; cat /proc/net/dev | wc -l`
    const script = `${count}; echo $${WORLD_VARIABLE}`
    const { status, stderr, stdout } = enter(['--', 'sh', '-c', script])
    expect(stderr).toBe('')
    expect(status).toBe(0)
    expect(stdout.trim().split(/\s+/)).toEqual(['0', '3', '1'])
  })

  it('hands on exit codes and signals', () => {
    expect(enter(['--', 'sh', '-c', 'exit 7']).status).toBe(7)
    expect(enter(['--', 'sh', '-c', 'kill -TERM $$']).signal).toBe('SIGTERM')
  })

  it('lets named namespaces vanish with the last process', () => {
    const name = `lab-vanishing-${process.pid}`
    const make = `const { createNamespace, listNamespaces } = await import('@weft/linux')
      createNamespace({ name: '${name}' })
      process.stdout.write(listNamespaces().join())`
    const node = [process.execPath, '--conditions=@weft/source', '--input-type=module', '-e', make]
    expect(enter(['--', ...node])).toMatchObject({ status: 0, stdout: name, stderr: '' })
    expect(listNamespaces()).not.toContain(name)
  })

  it('says with 125 that it could not enter, and what is missing', () => {
    const nothing = enter(['--', 'sh', '-c', 'true'], { PATH: '/nonexistent' })
    expect(nothing.status).toBe(125)
    expect(nothing.stderr).toContain('no unshare on the PATH (package util-linux)')
    const unknown = enter(['--', 'no-such-program'])
    expect(unknown.status).toBe(125)
    expect(unknown.stderr).toContain('no-such-program is not on the PATH')
  })
})

describe('runPrivately', () => {
  it('resolves to the exit code, 128 and the number of a signal', async () => {
    expect(await runPrivately(['sh', '-c', 'exit 3'])).toBe(3)
    expect(await runPrivately(['sh', '-c', 'kill -KILL $$'])).toBe(128 + 9)
  })

  it('builds on what the machine offers', async () => {
    const [program, ...args] = await privateWorldCommand(['true'])
    expect(program).toBe('unshare')
    expect(args).toContain('--net')
    expect(args.at(-1)).toBe('true')
  })
})
