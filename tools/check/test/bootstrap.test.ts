import { spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const BOOTSTRAP = join(import.meta.dirname, '../../bootstrap.cjs')
/** An npm that notes each call and installs one package, the way NPM_MODE says. */
const FAKE_NPM = `
const fs = require('fs')
fs.appendFileSync('calls', process.argv.slice(2).join(' ') + '\\n')
console.log('npm talks on stdout')
if (process.env.NPM_MODE === 'fail') process.exit(1)
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
fs.mkdirSync('node_modules/.bin', { recursive: true })
fs.mkdirSync('node_modules/x', { recursive: true })
fs.writeFileSync('node_modules/x/package.json', '{}')
fs.copyFileSync('package-lock.json', 'node_modules/.package-lock.json')
fs.rmSync('node_modules/.bin/node', { force: true })
if (process.env.NPM_MODE !== 'no-node') fs.symlinkSync(process.execPath, 'node_modules/.bin/node')
`

let root = ''

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'weft-bootstrap-'))
  mkdirSync(join(root, 'tools'))
  copyFileSync(BOOTSTRAP, join(root, 'tools/bootstrap.cjs'))
  writeFileSync(join(root, 'npm-cli.js'), FAKE_NPM)
  lock('1.0.0')
})

afterEach(() => {
  rmSync(root, { recursive: true })
})

function lock(version: string): void {
  const packages = { '': {}, 'node_modules/x': { version }, 'packages/y': {} }
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages }))
}

interface Run {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function bootstrap(mode = 'work'): Promise<Run> {
  const env = { ...process.env, npm_execpath: join(root, 'npm-cli.js'), NPM_MODE: mode }
  const child = spawn(process.execPath, [join(root, 'tools/bootstrap.cjs')], { env })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (bytes: Buffer) => (stdout += bytes.toString()))
  child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()))
  return new Promise((resolve) => {
    child.on('close', (code) => {
      resolve({ code, stdout, stderr })
    })
  })
}

function calls(): string[] {
  return readFileSync(join(root, 'calls'), 'utf8').trim().split('\n')
}

describe('bootstrap', () => {
  test('installs what the lockfile says, once, without a word on stdout', async () => {
    const first = await bootstrap()
    expect(first).toMatchObject({ code: 0, stdout: '' })
    expect(first.stderr).toContain('npm talks on stdout')
    expect(await bootstrap()).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(calls()).toEqual([
      'ci --ignore-scripts --loglevel=error --include=dev --include=optional',
    ])
  })

  test('installs again when the lockfile has changed', async () => {
    await bootstrap()
    lock('1.0.1')
    expect((await bootstrap()).stderr).toContain('x is missing or has another version')
    expect(calls()).toHaveLength(2)
  })

  test('installs again when the pinned Node is gone', async () => {
    await bootstrap()
    rmSync(join(root, 'node_modules/.bin/node'))
    expect((await bootstrap()).code).toBe(0)
    expect(calls()).toHaveLength(2)
  })

  test('takes what somebody installed by hand', async () => {
    await bootstrap()
    rmSync(join(root, 'node_modules/.weft-installed'))
    expect(await bootstrap()).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(calls()).toHaveLength(1)
  })

  test('says so when npm fails, and tries again the next time', async () => {
    const run = await bootstrap('fail')
    expect(run).toMatchObject({ code: 1, stdout: '' })
    expect(run.stderr).toContain('installing the dependencies failed: exit code 1')
    expect((await bootstrap()).code).toBe(0)
  })

  test('does not believe an npm that left the pinned Node out', async () => {
    const run = await bootstrap('no-node')
    expect(run).toMatchObject({ code: 1, stdout: '' })
    expect(run.stderr).toContain('npm reported success, yet the pinned Node is missing')
  })

  test('two at once install once', async () => {
    const runs = await Promise.all([bootstrap(), bootstrap(), bootstrap()])
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0])
    expect(calls()).toHaveLength(1)
  })
})
