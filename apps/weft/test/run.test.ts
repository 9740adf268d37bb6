/** `run` cleans up in order, hands on signals and status, and gives up on a daemon only late. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WeftError } from '@weft/core'
import { createEngineClient } from '@weft/engine-api/client'
import { onTestFinished, expect, test } from 'vitest'
import { DETACH_ATTEMPTS_MAX } from '../src/commands/run.ts'
import type { ContainedProcesses, StartRequest } from '../src/run/contained-process.ts'
import { findExecutable } from '../src/run/executable.ts'
import { HOSTNAME_LENGTH_MAX } from '../src/run/hosts-file.ts'
import { END_REQUESTS_MAX, relaySignals } from '../src/run/signal-relay.ts'
import { runWeft, type Printed } from './recorded-engine.ts'

interface World {
  readonly happened: string[]
  readonly started: StartRequest[]
  readonly contained: ContainedProcesses
  /** Answers of the daemon by method, in order; the last stays. */
  readonly answers: Record<'POST' | 'DELETE', (() => Response)[]>
}

const ENDPOINT = 'ab'.repeat(32)

function world(status: () => number = () => 0): World {
  const happened: string[] = []
  const started: StartRequest[] = []
  const note = (what: string) => (): void => void happened.push(what)
  const contained: ContainedProcesses = {
    openNamespace: () => {
      happened.push('namespace')
      const close = note('namespace closed')
      const start = (request: StartRequest) => {
        started.push(request)
        happened.push(`start ${request.words.join(' ')}`)
        const ended = Promise.resolve().then(status)
        return { pid: 7, ended, signal: (name: string) => void happened.push(`signal ${name}`) }
      }
      return { path: '/proc/1/fd/9', start, close, [Symbol.dispose]: close }
    },
    appointCustodian: (host) => {
      happened.push(`custodian ${host}`)
      return {
        guardProcess: (pid) => void happened.push(`guard process ${pid}`),
        guardEndpoint: (id) => void happened.push(`guard endpoint ${id.slice(0, 4)}`),
        dismiss: note('custodian dismissed'),
      }
    },
  }
  const attachment = { endpointId: ENDPOINT, name: 'c1', addresses: ['10.0.0.2/24'] }
  const answers = {
    POST: [() => Response.json(attachment)],
    DELETE: [() => new Response(null, { status: 204 })],
  }
  return { happened, started, contained, answers }
}

async function run(
  { happened, contained, answers }: World,
  words: readonly string[],
): Promise<Printed> {
  const connect = (): ReturnType<typeof createEngineClient> =>
    createEngineClient((url, { method }) => {
      happened.push(`${method} ${new URL(url).pathname.slice(0, 28)}`)
      const queue = answers[method as 'POST' | 'DELETE']
      const answer = queue.length > 1 ? queue.shift() : queue[0]
      return new Promise((resolve) => resolve(answer?.() ?? Response.error()))
    })
  return runWeft(['run', '--network', 'blue', '--name', 'c1', ...words], '/w.sock', {
    contained: () => Promise.resolve(contained),
    connect,
  })
}

const unreachable = (): Response => {
  throw new TypeError('no connection')
}

test('everything happens in order, and is undone in the opposite one', async () => {
  const here = world(() => 7)
  expect(await run(here, ['--', 'true', '--json'])).toEqual({ out: '', err: '', status: 7 })
  expect(here.happened).toEqual([
    'namespace',
    'custodian unix:///w.sock',
    'POST /v1.41/weft/attachments',
    'guard endpoint abab',
    'start true --json',
    'guard process 7',
    'DELETE /v1.41/weft/attachments/abab',
    'custodian dismissed',
    'namespace closed',
  ])
  expect(here.started[0]).toMatchObject({ hostname: 'c1' })
  expect(here.started[0]?.hosts).toContain('10.0.0.2\tc1\n')
})

test('options end at the command, with or without dashes before it', async () => {
  const here = world()
  await run(here, ['--rm', '-e', 'A=b', '-e', 'PATH', '--hostname', 'h', 'sh', '-e', '--rm=false'])
  expect(here.started[0]?.words).toEqual(['sh', '-e', '--rm=false'])
  expect(here.started[0]?.env).toMatchObject({ A: 'b', PATH: process.env['PATH'] })
  expect(here.started[0]?.hostname).toBe('h')
})

test('what cannot be attached is not started', async () => {
  const here = world()
  const refusal = { message: 'network blue not manually attachable', code: 'ERR_PERMISSION_DENIED' }
  here.answers.POST = [() => Response.json(refusal, { status: 403 })]
  const { err, status } = await run(here, ['--', 'true'])
  expect(err).toBe('weft: Error response from daemon: network blue not manually attachable.\n')
  expect(status).toBe(125)
  expect(here.started).toEqual([])
  expect(here.happened.slice(-2)).toEqual(['custodian dismissed', 'namespace closed'])
})

test('what cannot be started is detached, and 125 is the status', async () => {
  const here = world(() => {
    throw new WeftError('ERR_KERNEL', 'the kernel refused', { errno: 'EPERM' })
  })
  const { err, status } = await run(here, ['--', 'true'])
  expect(err).toBe('weft: the kernel refused (errno=EPERM).\n')
  expect(status).toBe(125)
  expect(here.happened).toContain('DELETE /v1.41/weft/attachments/abab')
})

test('a daemon that restarts is waited for, but not for ever', async () => {
  const here = world()
  const { DELETE } = here.answers
  const absences = DETACH_ATTEMPTS_MAX - 1
  here.answers.DELETE = [...Array.from({ length: absences }, () => unreachable), ...DELETE]
  expect(await run(here, ['--', 'true'])).toEqual({ out: '', err: '', status: 0 })
  here.answers.DELETE = [unreachable]
  const gone = await run(here, ['--', 'true'])
  expect(gone.err).toContain('weft: c1 is not detached: Cannot connect to the Weft daemon')
  expect(gone.status).toBe(0)
  const asked = here.happened.filter((one) => one.startsWith('DELETE')).length
  expect(asked).toBe(2 * DETACH_ATTEMPTS_MAX)
})

test('host names have at most 64 bytes and no blanks', async () => {
  const here = world()
  const longest = 'h'.repeat(HOSTNAME_LENGTH_MAX)
  expect((await run(here, ['--hostname', longest, 'true'])).status).toBe(0)
  const beyond = await run(here, ['--hostname', `${longest}h`, 'true'])
  expect(beyond.err).toContain('for "--hostname" flag: no host name of at most 64 bytes')
  expect((await run(here, ['--hostname', 'a b', 'true'])).status).toBe(125)
})

test('signals are handed on; the third request to end kills', () => {
  const relayed = (inputIsTerminal: boolean, names: readonly NodeJS.Signals[]): string[] => {
    const got: string[] = []
    let send: (name: NodeJS.Signals) => void = () => undefined
    const catchSignals = (listener: typeof send): Disposable => {
      send = listener
      return { [Symbol.dispose]: () => void (send = () => undefined) }
    }
    const command = { signal: (name: string) => void got.push(name) }
    using relay = relaySignals({ catchSignals, inputIsTerminal }, command)
    names.forEach((name) => send(name))
    relay[Symbol.dispose]()
    send('SIGHUP')
    return got
  }
  expect(relayed(false, ['SIGHUP', 'SIGINT', 'SIGUSR1'])).toEqual(['SIGHUP', 'SIGINT', 'SIGUSR1'])
  // The terminal has sent those to the command already.
  expect(relayed(true, ['SIGINT', 'SIGWINCH', 'SIGTERM'])).toEqual(['SIGTERM'])
  const requests = Array.from({ length: END_REQUESTS_MAX }, () => 'SIGTERM' as const)
  expect(relayed(false, requests)).toEqual(['SIGTERM', 'SIGTERM', 'SIGKILL'])
})

test('a command is found as a shell finds it', () => {
  const directory = mkdtempSync(join(tmpdir(), 'weft-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  writeFileSync(join(directory, 'plain'), '')
  writeFileSync(join(directory, 'tool'), '', { mode: 0o755 })
  const env = { PATH: `/nonexistent:${directory}` }
  expect(findExecutable('tool', env)).toBe(join(directory, 'tool'))
  expect(findExecutable(join(directory, 'tool'), {})).toBe(join(directory, 'tool'))
  const status = (command: string): unknown => {
    try {
      return findExecutable(command, env)
    } catch (error) {
      return (error as { readonly status?: unknown }).status
    }
  }
  expect([status('plain'), status('nope'), status(join(directory, 'nope')), status('')]).toEqual([
    126, 127, 127, 127,
  ])
})
