/** What a guest is made of: an archive, modules in their order, packages without types. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { CpioWriter } from '../src/cpio.ts'
import { writePackages } from '../src/guest-packages.ts'
import { modulesInOrder } from '../src/kernel-modules.ts'

const scratch = mkdtempSync(join(tmpdir(), 'weft-guest-test-'))
afterAll(() => rmSync(scratch, { recursive: true }))

/** A file of an archive as the kernel's documentation has it (early-userspace, buffer-format). */
interface Entry {
  readonly name: string
  readonly mode: string
  readonly content: string
}

function entriesOf(bytes: Buffer): Entry[] {
  const entries: Entry[] = []
  const aligned = (at: number): number => (at + 3) & ~3
  for (let at = 0; at < bytes.length; ) {
    const fields = bytes.toString('latin1', at, at + 110)
    expect(fields.slice(0, 6)).toBe('070701')
    const field = (i: number): number => Number.parseInt(fields.slice(6 + 8 * i, 14 + 8 * i), 16)
    const [mode, length, nameLength] = [field(1), field(6), field(11)]
    const name = bytes.toString('utf8', at + 110, at + 110 + nameLength - 1)
    const from = aligned(at + 110 + nameLength)
    const content = bytes.toString('utf8', from, from + length)
    entries.push({ name, mode: mode.toString(8), content })
    at = aligned(from + length)
  }
  return entries
}

function archived(name: string, fill: (archive: CpioWriter) => void): Entry[] {
  const path = join(scratch, name)
  const archive = new CpioWriter(path)
  fill(archive)
  archive.close()
  return entriesOf(readFileSync(path))
}

describe('an archive', () => {
  test('has files, programs and links, each after its folders, which come once', () => {
    const program = join(scratch, 'program')
    writeFileSync(program, '#!')
    const entries = archived('cpio', (archive) => {
      archive.file('a/b/c', Buffer.from('four'))
      archive.program('a/p', program)
      archive.link('a/b/l', '../p')
      archive.folder('a/b')
    })
    expect(entries).toEqual([
      { name: 'a', mode: '40755', content: '' },
      { name: 'a/b', mode: '40755', content: '' },
      { name: 'a/b/c', mode: '100644', content: 'four' },
      { name: 'a/p', mode: '100755', content: '#!' },
      { name: 'a/b/l', mode: '120777', content: '../p' },
      { name: 'TRAILER!!!', mode: '0', content: '' },
    ])
  })

  test('takes no place of another’s', () => {
    expect(() => new CpioWriter(join(scratch, 'program'))).toThrow('EEXIST')
  })
})

describe('modules', () => {
  const folder = join(scratch, 'modules')
  mkdirSync(join(folder, 'kernel/net'), { recursive: true })
  const module = (file: string, depends: string): void => {
    const content = `\x7fELF\0license=GPL\0depends=${depends}\0name=x\0`
    writeFileSync(join(folder, 'kernel', file), content)
  }
  module('net/esp4.ko', 'xfrm-algo,echo')
  module('xfrm_algo.ko', '')
  module('echo.ko', 'xfrm_algo')
  writeFileSync(join(folder, 'modules.builtin'), 'kernel/crypto/hmac.ko\n')

  test('come after what they need, once, whatever their sign', () => {
    const names = modulesInOrder(folder, ['esp4', 'echo', 'hmac']).map(({ name }) => name)
    expect(names).toEqual(['xfrm_algo', 'echo', 'esp4'])
  })

  test('that the kernel does not have are refused', () => {
    const problem = `${folder} has no warp`
    expect(() => modulesInOrder(folder, ['warp'])).toThrow(
      expect.objectContaining({
        code: 'ERR_LAB_REQUEST',
        details: expect.objectContaining({ problem }) as unknown,
      }),
    )
  })
})

test('packages come with all that they need, as JavaScript', () => {
  const entries = archived('packages', (archive) => {
    writePackages(archive, 'w', [{ name: '@weft/linux', files: ['test/encrypted-path.ts'] }])
  })
  const contents = new Map(entries.map(({ content, name }) => [name, content]))
  const at = (path: string): string => contents.get(`w/node_modules/${path}`) ?? ''
  expect(at('@weft/linux/src/index.js')).toContain("from './kernel.js'")
  expect(at('@weft/linux/package.json')).toContain('"./src/index.js"')
  expect(at('@weft/linux/test/encrypted-path.js')).toContain("from '../src/index.js'")
  expect(at('@weft/core/package.json')).not.toBe('')
  expect(at('koffi/package.json')).not.toBe('')
  expect([...contents.keys()].filter((name) => /(?<!\.d)\.ts$/.test(name))).toEqual([])
})
