/** Nothing is left behind when a program with a lab ends, in whatever way but SIGKILL. */
import { listNamespaces } from '@weft/linux'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'

const PREFIX = `lab-exit-${process.pid}-`

interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** Namespaces there were while it ran, and afterwards. */
  readonly during: number
  readonly after: number
}

/** Run a program that opens a lab, says so, and then does `rest`; send it a signal, if any. */
async function endingOf(rest: string, signal?: NodeJS.Signals): Promise<Ending> {
  const script = `
    const { Underlay } = await import('@weft/lab')
    Underlay.open({ hosts: 1, prefix: '${PREFIX}' })
    process.stdout.write('up')
    ${rest}`
  const node = ['--conditions=@weft/source', '--input-type=module', '-e', script]
  const cwd = import.meta.dirname
  const child = spawn(process.execPath, node, { cwd, stdio: ['pipe', 'pipe', 'ignore'] })
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  await once(child.stdout, 'data')
  const during = left()
  if (signal !== undefined) child.kill(signal)
  else child.stdin.end()
  const [code, by] = await exited
  return { code, signal: by, during, after: left() }
}

function left(): number {
  return listNamespaces().filter((name) => name.startsWith(PREFIX)).length
}

/** Go on when standard input ends, so that the namespaces can be seen before. */
const WAIT = "process.stdin.resume(); await new Promise((r) => process.stdin.once('end', r));"
const FOR_EVER = 'setInterval(() => undefined, 1000)'

describe('atExit', () => {
  it('cleans up at the end of the program', async () => {
    const ending = await endingOf(WAIT)
    expect(ending).toEqual({ code: 0, signal: null, during: 2, after: 0 })
  })

  it('cleans up after an uncaught error', async () => {
    const ending = await endingOf(`${WAIT} throw new Error('uncaught')`)
    expect(ending).toEqual({ code: 1, signal: null, during: 2, after: 0 })
  })

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('cleans up after %s', async (signal) => {
    expect(await endingOf(FOR_EVER, signal)).toEqual({ code: null, signal, during: 2, after: 0 })
  })

  it('leaves a signal to a program that listens, and cleans up when that exits', async () => {
    const own = "process.on('SIGINT', () => process.exit(42))"
    const ending = await endingOf(`${own}; ${FOR_EVER}`, 'SIGINT')
    expect(ending).toEqual({ code: 42, signal: null, during: 2, after: 0 })
  })
})
