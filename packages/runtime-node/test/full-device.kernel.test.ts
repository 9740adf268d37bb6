/** A device with no room left: refused by name, and nothing half written. */
import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

/** Runs on a tmpfs of 12 MiB in a mount namespace of its own. */
function onTinyDevice(code: string): unknown {
  const source = new URL('../src/index.ts', import.meta.url).href
  const program = `
    import { nodeFiles, openSqliteStore } from '${source}'
    import { readdirSync, rmSync, writeFileSync } from 'node:fs'
    const codeOf = (call) => call().then(() => 'done', (error) => error.code)
    const block = new Uint8Array(65536)
    const fill = () => {
      try { for (let n = 0; ; n++) writeFileSync('/mnt/filler' + n, block) } catch {}
    }
    const clear = () => {
      for (const name of readdirSync('/mnt')) if (name.startsWith('filler')) rmSync('/mnt/' + name)
    }
    const said = {}
    ${code}
    process.stdout.write(JSON.stringify(said))`
  const argv = ['--conditions=@weft/source', '--input-type=module', '-e', program]
  const script = 'mount -t tmpfs -o size=12m none /mnt && exec "$0" "$@"'
  const words = ['--mount', 'sh', '-c', script, process.execPath, ...argv]
  const { stdout, stderr } = spawnSync('unshare', words, { encoding: 'utf8' })
  expect(stderr).toBe('')
  return JSON.parse(stdout)
}

test('files: the old one stays, and no other is left', () => {
  const said = onTinyDevice(`
    const files = await nodeFiles('/mnt/state')
    await files.write('one', Uint8Array.of(1))
    fill()
    said.refused = await codeOf(() => files.write('one', new Uint8Array(8192).fill(2)))
    said.kept = [...await files.read('one')]
    said.names = readdirSync('/mnt/state')
    clear()
    said.again = await codeOf(() => files.write('one', Uint8Array.of(3)))
  `)
  expect(said).toEqual({ refused: 'ERR_FILES_FULL', kept: [1], names: ['one'], again: 'done' })
})

test('a store: what was acknowledged is there, the rest is not, and room makes it go on', () => {
  const said = onTinyDevice(`
    writeFileSync('/mnt/reserve', new Uint8Array(1 << 20))
    let store = await openSqliteStore('/mnt/a.db')
    const put = (n, size) => {
      const value = new Uint8Array(size)
      const writes = [{ key: 'a/' + n, value }, { key: 'b/' + n, value }]
      return store.commit({ checks: [], writes })
    }
    let done = 0
    said.refused = await codeOf(async () => { for (;; done++) await put(done, 100000) })
    const count = async () => [(await store.list('a/')).length, (await store.list('b/')).length]
    said.whole = (await count()).every((n) => n === done)
    fill()
    const together = await Promise.allSettled([put('x', 200000), put('y', 200000)])
    said.together = together.map((one) => one.reason?.code)
    said.same = (await count()).every((n) => n === done)
    clear()
    rmSync('/mnt/reserve')
    await store.close()
    store = await openSqliteStore('/mnt/a.db')
    said.after = (await count()).every((n) => n === done)
    const writes = (await store.list('')).map(({ key }) => ({ key, value: null }))
    await store.commit({ checks: [], writes })
    said.again = await codeOf(() => put('z', 10000))
  `)
  const refused = 'ERR_STORE_FULL'
  expect(said).toEqual({
    refused,
    whole: true,
    together: [refused, refused],
    same: true,
    after: true,
    again: 'done',
  })
})

test('a store cannot be made where there is no room, and leaves nothing', () => {
  const said = onTinyDevice(`
    fill()
    said.refused = await codeOf(() => openSqliteStore('/mnt/a.db'))
    clear()
    said.again = await codeOf(() => openSqliteStore('/mnt/a.db'))
  `)
  expect(said).toEqual({ refused: 'ERR_STORE_FULL', again: 'done' })
})
