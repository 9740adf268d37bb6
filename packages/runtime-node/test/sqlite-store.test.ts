/** The SQLite store: the contract's cases, crashes, damage, versions and locks. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { STORE_KEY_BYTES_MAX, STORE_VALUE_BYTES_MAX } from '@weft/core'
import { storeCases } from '@weft/core/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openSqliteStore } from '../src/index.ts'
import { openSqliteFile } from '../src/sqlite-file.ts'
import { SQLITE_APPLICATION_ID, SQLITE_MIGRATIONS } from '../src/sqlite-schema.ts'

let directory = ''
let path = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'weft-store-'))
  path = join(directory, 'cluster.db')
})
afterEach(() => {
  rmSync(directory, { recursive: true, force: true })
})

const value = (byte: number): Uint8Array => new Uint8Array(300).fill(byte)

async function filled(count: number): Promise<void> {
  await using store = await openSqliteStore(path)
  for (let at = 0; at < count; at++) {
    await store.commit({ checks: [], writes: [{ key: `node/${at}`, value: value(at) }] })
  }
}

describe('cases of the contract', () => {
  for (const { name, run } of storeCases) {
    test(name, async () => {
      await using store = await openSqliteStore(path)
      await run(store)
    })
  }
})

test('keys and values have their limits in bytes, whatever the script', async () => {
  await using store = await openSqliteStore(path)
  const put = (key: string, bytes: number): Promise<number | null> =>
    store.commit({ checks: [], writes: [{ key, value: new Uint8Array(bytes) }] })
  const longest = 'é'.repeat(STORE_KEY_BYTES_MAX / 2)
  expect(await put(longest, STORE_VALUE_BYTES_MAX)).toBe(1)
  const refusal = { code: 'ERR_STORE_FAILED' }
  await expect(put(`${longest}x`, 1)).rejects.toMatchObject(refusal)
  await expect(put('x', STORE_VALUE_BYTES_MAX + 1)).rejects.toMatchObject(refusal)
  expect((await store.list('')).map(({ key }) => key)).toEqual([longest])
})

test('entries are there after a restart, in a file that is its owner’s alone', async () => {
  await filled(3)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  await using store = await openSqliteStore(path)
  const entries = await store.list('')
  expect(entries.map(({ key, revision }) => [key, revision])).toEqual([
    ['node/0', 1],
    ['node/1', 2],
    ['node/2', 3],
  ])
  expect(await store.commit({ checks: [], writes: [{ key: 'node/0', value: null }] })).toBe(4)
})

test('a second owner is refused, in this process and in another', async () => {
  await using store = await openSqliteStore(path)
  await store.commit({ checks: [], writes: [] })
  const refusal = { code: 'ERR_STORE_LOCKED', details: { location: path } }
  await expect(openSqliteStore(path)).rejects.toMatchObject(refusal)
  const child = runChild(`try { await openSqliteStore(path) } catch (e) { say(e.code) }`)
  expect(await linesOf(child)).toEqual(['ERR_STORE_LOCKED'])
})

test('SIGKILL in a loop of commits loses nothing that was acknowledged', async () => {
  let known = -1
  for (let round = 0; round < 5; round++) {
    const child = runChild(`
      const store = await openSqliteStore(path)
      const entries = await store.list('a/')
      for (let n = entries.length; ; n += 3) {
        const put = (at) => store.commit({ checks: [], writes: [
          { key: 'a/' + String(at).padStart(6, '0'), value: new Uint8Array(300) },
          { key: 'b', value: Uint8Array.of(at & 255) },
        ] }).then(() => say(at))
        await Promise.all([put(n), put(n + 1), put(n + 2)])
      }`)
    let heard = 0
    for await (const line of createInterface({ input: child.stdout })) {
      known = Math.max(known, Number(line))
      if (++heard === 20 + round) child.kill('SIGKILL')
    }
    await using store = await openSqliteStore(path)
    const entries = await store.list('a/')
    expect(entries.length).toBeGreaterThan(known)
    const [last] = await store.list('b')
    expect(last?.value).toEqual(Uint8Array.of((entries.length - 1) & 255))
    const expected = entries.map((_, at) => `a/${String(at).padStart(6, '0')}`)
    expect(entries.map(({ key }) => key)).toEqual(expected)
  }
})

describe('damage is refused, and left as it is', () => {
  const cases: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
    'an empty file': () => new Uint8Array(),
    'some text': () => new TextEncoder().encode('hello\n'.repeat(100)),
    'half of a file': (bytes) => bytes.slice(0, bytes.length / 2),
    'a page of zeros': (bytes) => bytes.fill(0, 4096, 8192),
    'a flipped bit in a value': (bytes) => {
      const at = bytes.findLastIndex((byte) => byte === 7)
      bytes[at] = 6
      return bytes
    },
  }
  for (const [name, damage] of Object.entries(cases)) {
    test(name, async () => {
      await filled(40)
      writeFileSync(path, damage(new Uint8Array(readFileSync(path))))
      await refusedUntouched('ERR_STORE_CORRUPT')
    })
  }

  test('with commits in the log that were never moved into the file', async () => {
    const child = runChild(`
      const store = await openSqliteStore(path)
      for (let n = 0; n < 40; n++)
        await store.commit({ checks: [], writes: [{ key: 'a/' + n, value: Uint8Array.of(7) }] })
      say('done')
      setTimeout(() => {}, 1e6)`)
    await once(child.stdout, 'data')
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(0)
    const bytes = readFileSync(path)
    bytes.fill(0x55, 100, 4000)
    writeFileSync(path, bytes)
    const log = readFileSync(`${path}-wal`)
    rmSync(`${path}-shm`, { force: true })
    await openSqliteStore(path).catch(() => undefined)
    expect(readFileSync(`${path}-wal`).equals(log)).toBe(true)
  })

  test('a log without its file', async () => {
    writeFileSync(`${path}-wal`, 'what is left')
    await expect(openSqliteStore(path)).rejects.toMatchObject({ code: 'ERR_STORE_CORRUPT' })
    expect(readdirSync(directory)).toEqual(['cluster.db-wal'])
  })

  test('a database of another program', async () => {
    const other = new DatabaseSync(path)
    other.exec('CREATE TABLE theirs (a)')
    other.close()
    await refusedUntouched('ERR_STORE_CORRUPT')
  })
})

test('versions: an older one is brought up to date, a newer one is refused', async () => {
  await filled(2)
  const newer = [...SQLITE_MIGRATIONS, 'ALTER TABLE latest ADD COLUMN note TEXT']
  const { connection, close } = await openSqliteFile(path, newer)
  const latest = connection.prepare('SELECT * FROM latest').get()
  expect(latest).toMatchObject({ revision: 2, note: null })
  expect(connection.prepare('SELECT count(*) AS n FROM entries').get()).toMatchObject({ n: 2 })
  close()
  const error = await refusedUntouched('ERR_STORE_VERSION')
  expect(error).toMatchObject({ details: { location: path, version: 2, expected: 1 } })
})

test('a migration that fails leaves the version before it', async () => {
  await filled(2)
  const broken = [...SQLITE_MIGRATIONS, 'DELETE FROM entries; SELECT 1 FROM nowhere']
  await expect(openSqliteFile(path, broken)).rejects.toMatchObject({ code: 'ERR_STORE_FAILED' })
  await using store = await openSqliteStore(path)
  expect(await store.list('')).toHaveLength(2)
})

test('the file says whose it is', async () => {
  await filled(1)
  const header = new DataView(new Uint8Array(readFileSync(path)).buffer)
  expect(header.getUint32(68)).toBe(SQLITE_APPLICATION_ID)
})

test('a directory that is not there is an error with the machine’s words', async () => {
  const nowhere = join(directory, 'no/where.db')
  await expect(openSqliteStore(nowhere)).rejects.toMatchObject({ code: 'ERR_STORE_FAILED' })
})

async function refusedUntouched(code: string): Promise<unknown> {
  const before = readFileSync(path)
  const error: unknown = await openSqliteStore(path).then(
    () => 'it was opened',
    (reason: unknown) => reason,
  )
  expect(error).toMatchObject({ code, details: { location: path } })
  expect(readFileSync(path).equals(before)).toBe(true)
  return error
}

function runChild(code: string) {
  const source = new URL('../src/index.ts', import.meta.url).href
  const program = `
    import { openSqliteStore } from '${source}'
    const path = ${JSON.stringify(path)}
    const say = (text) => process.stdout.write(text + '\\n')
    ${code}`
  const argv = ['--conditions=@weft/source', '--input-type=module', '-e', program]
  return spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
}

async function linesOf(child: ReturnType<typeof runChild>): Promise<string[]> {
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stdout })) lines.push(line)
  return lines
}
