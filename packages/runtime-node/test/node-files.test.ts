/** Files: replaced whole, private, and typed when the machine refuses. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FILE_BYTES_MAX } from '@weft/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { nodeFiles } from '../src/index.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'weft-files-'))
})
afterEach(() => {
  rmSync(directory, { recursive: true, force: true })
})

test('what was written is read, until it is replaced or removed', async () => {
  const files = await nodeFiles(join(directory, 'a/b'))
  expect(await files.read('one')).toBeNull()
  await files.write('one', Uint8Array.of(1, 2))
  expect(await files.read('one')).toEqual(Uint8Array.of(1, 2))
  await files.write('one', new Uint8Array())
  expect(await files.read('one')).toEqual(new Uint8Array())
  await files.remove('one')
  await files.remove('one')
  expect(await files.read('one')).toBeNull()
  expect(readdirSync(join(directory, 'a/b'))).toEqual([])
})

test('the directory and its files are their owner’s alone, whatever they were before', async () => {
  const path = join(directory, 'open')
  mkdirSync(path)
  chmodSync(path, 0o777)
  const files = await nodeFiles(path)
  await files.write('secret', Uint8Array.of(1))
  expect(statSync(path).mode & 0o777).toBe(0o700)
  expect(statSync(join(path, 'secret')).mode & 0o777).toBe(0o600)
})

test('calls for one name take turns, and the caller keeps its array', async () => {
  const files = await nodeFiles(directory)
  const bytes = Uint8Array.of(1)
  const writes = [1, 2, 3].map((value) => {
    bytes[0] = value
    return files.write('one', bytes)
  })
  const read = files.read('one')
  await Promise.all(writes)
  expect(await read).toEqual(Uint8Array.of(3))
})

test('leftovers of a crash are in nobody’s way', async () => {
  const files = await nodeFiles(directory)
  writeFileSync(join(directory, '.one.new'), 'half')
  expect(await files.read('one')).toBeNull()
  await files.write('one', Uint8Array.of(1))
  expect(readdirSync(directory)).toEqual(['one'])
})

test('a file that cannot be replaced leaves nothing beside it', async () => {
  const files = await nodeFiles(directory)
  mkdirSync(join(directory, 'taken'))
  const path = join(directory, 'taken')
  await expect(files.write('taken', Uint8Array.of(1))).rejects.toMatchObject({
    code: 'ERR_FILES_FAILED',
    details: { path, operation: 'write', diagnostic: 'EISDIR' },
  })
  await expect(files.read('taken')).rejects.toMatchObject({ details: { operation: 'read' } })
  await expect(files.remove('taken')).rejects.toMatchObject({ details: { operation: 'remove' } })
  expect(readdirSync(directory)).toEqual(['taken'])
  await files.write('file', Uint8Array.of(1))
  await expect(nodeFiles(join(directory, 'file/below'))).rejects.toMatchObject({
    code: 'ERR_FILES_FAILED',
    details: { operation: 'mkdir' },
  })
})

test('a file of FILE_BYTES_MAX is read, a larger one is neither read nor written', async () => {
  const files = await nodeFiles(directory)
  const large = new Uint8Array(FILE_BYTES_MAX + 1)
  writeFileSync(join(directory, 'one'), '')
  truncateSync(join(directory, 'one'), FILE_BYTES_MAX)
  expect((await files.read('one'))?.length).toBe(FILE_BYTES_MAX)
  truncateSync(join(directory, 'one'), large.length)
  const refusal = { code: 'ERR_FILES_FAILED', details: { diagnostic: 'EFBIG' } }
  await expect(files.read('one')).rejects.toMatchObject(refusal)
  await expect(files.write('two', large)).rejects.toMatchObject(refusal)
})

test('a name with a slash, or a hidden one, is a bug', async () => {
  const files = await nodeFiles(directory)
  for (const name of ['', '../a', 'a/b', '.a']) expect(() => files.read(name)).toThrow('bug:')
})
