/** Flags and the file: known by name, refused by name. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import {
  CONFIG_BYTES_MAX,
  openDaemon,
  readCommandLine,
  readConfigFile,
  USUAL_OPTIONS,
} from '../src/index.ts'
import { silentLogger } from '@weft/core'

const directory = mkdtempSync(join(tmpdir(), 'weftd-options-'))
afterAll(() => {
  rmSync(directory, { recursive: true, force: true })
})

const read = (...words: string[]) => readCommandLine(words, '1.2.3')

/** Every option but `tunables`, which only the file has. */
const FLAGS = {
  state: '/a',
  socket: '/b',
  group: 'g',
  dataplane: 'sim',
  instance: 'i',
  logLevel: 'debug',
  logFormat: 'json',
  gossipProfile: 'wan',
  defaultAdvertiseAddr: 'eth1',
} as const

const spelt = (name: string): string => name.replace(/[A-Z]/g, (one) => `-${one.toLowerCase()}`)

test('every option is a flag, and an entry of the file under the same name', async () => {
  const words = Object.entries(FLAGS).flatMap(([name, value]) => [`--${spelt(name)}`, value])
  const label = ['a=1', 'b=2']
  const flags = { ...FLAGS, label }
  const expected = { kind: 'run', flags, config: null }
  expect(read(...words, '--label', 'a=1', '--label', 'b=2')).toEqual(expected)
  const tunables = { keyRotationMs: 2000 }
  const given = Object.entries({ ...flags, tunables })
  const entries = Object.fromEntries(given.map(([name, value]) => [spelt(name), value]))
  const path = join(directory, 'all.json')
  writeFileSync(path, JSON.stringify(entries))
  const fromFile = await readConfigFile(path, { mustExist: true })
  expect(fromFile).toEqual({ ...flags, tunables })
  expect(Object.keys(fromFile).sort()).toEqual(Object.keys(USUAL_OPTIONS).sort())
})

test('help, version, teardown, another file', () => {
  expect(read('--version')).toEqual({ kind: 'print', text: '1.2.3\n' })
  const help = read('-h')
  const text = help.kind === 'print' ? help.text : ''
  expect(text).toContain('Examples:')
  for (const name of Object.keys(FLAGS)) {
    expect(text).toContain(`--${spelt(name)} <`)
  }
  expect(read('--teardown', '--config', '/c')).toMatchObject({ kind: 'teardown', config: '/c' })
  expect(read()).toEqual({ kind: 'run', flags: {}, config: null })
})

describe('refused by name', () => {
  const cases: readonly (readonly [readonly string[], string, string])[] = [
    [['--nope'], 'arguments', "unknown option '--nope'"],
    [['word'], 'arguments', 'too many arguments'],
    [['--state'], 'arguments', 'argument missing'],
    [['--state', 'relative'], 'state', 'expected an absolute path'],
    [['--dataplane', 'vpp'], 'dataplane', 'expected one of kernel, userspace, sim'],
    [['--log-level', 'loud'], 'log-level', 'expected one of debug, info, warn, error'],
    [['--label', 'x'], 'label', 'expected name=value'],
  ]
  for (const [words, name, problem] of cases) {
    test(words.join(' '), () => {
      const said = expect.stringMatching(problem) as string
      const details = { origin: 'command line', name, problem: said }
      const refusal = expect.objectContaining({ code: 'ERR_OPTION' })
      expect(() => read(...words)).toThrow(refusal)
      expect(detailsOf(() => read(...words))).toMatchObject(details)
    })
  }

  test.each([
    ['{"nope":1}', 'nope', 'there is no such option'],
    ['{"logLevel":"info"}', 'logLevel', 'there is no such option'],
    ['{"state":7}', 'state', 'expected an absolute path'],
    ['{"tunables":{"keyRotationMs":0}}', 'tunables', 'a whole number above 0 as keyRotationMs'],
    ['{"tunables":null}', 'tunables', 'expected an object'],
    ['[]', 'config', 'expected one JSON object'],
    ['{', 'config', 'JSON'],
  ])('%s', async (text, name, problem) => {
    const path = join(directory, 'bad.json')
    writeFileSync(path, text)
    await expect(readConfigFile(path, { mustExist: false })).rejects.toMatchObject({
      code: 'ERR_OPTION',
      details: { origin: path, name, problem: expect.stringContaining(problem) as string },
    })
  })

  test('an interval that nobody has', async () => {
    const options = { ...USUAL_OPTIONS, state: directory, tunables: { naps: 1 } }
    const opening = openDaemon({ ...options, dataplane: 'sim' }, FACTS)
    const refusal = { code: 'ERR_OPTION', details: { name: 'tunables' } }
    await expect(opening).rejects.toMatchObject(refusal)
  })
})

const FACTS = { version: '1.2.3', log: silentLogger }

test('a file that is not there, and one of CONFIG_BYTES_MAX and beyond', async () => {
  const path = join(directory, 'none.json')
  expect(await readConfigFile(path, { mustExist: false })).toEqual({})
  const missing = readConfigFile(path, { mustExist: true })
  const refusal = { code: 'ERR_OPTION', details: { problem: 'ENOENT' } }
  await expect(missing).rejects.toMatchObject(refusal)
  writeFileSync(path, '{}'.padEnd(CONFIG_BYTES_MAX))
  expect(await readConfigFile(path, { mustExist: true })).toEqual({})
  writeFileSync(path, '{}'.padEnd(CONFIG_BYTES_MAX + 1))
  await expect(readConfigFile(path, { mustExist: true })).rejects.toMatchObject({
    details: { problem: 'the file is too large' },
  })
})

test('the unit ends only the daemon, and keeps what it made', () => {
  const unit = readFileSync(new URL('../src/weftd.service', import.meta.url), 'utf8')
  for (const line of ['Type=notify', 'KillMode=process', 'RuntimeDirectoryPreserve=yes']) {
    expect(unit).toContain(`\n${line}\n`)
  }
})

function detailsOf(act: () => unknown): unknown {
  try {
    act()
  } catch (error) {
    return Reflect.get(error as object, 'details')
  }
  return null
}
