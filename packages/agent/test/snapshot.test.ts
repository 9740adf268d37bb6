/** What is written down: whole, versioned, refused when damaged, and never replaced in silence. */
import { filesError, utf8Bytes, utf8Text } from '@weft/core'
import { describe, expect, test } from 'vitest'
import { JsonFault, JsonFields } from '../src/snapshot/json-fields.ts'
import { SAY_AGAIN_MS, STATE_FILES } from '../src/snapshot/keeper.ts'
import { readState, STATE_VERSION, writeState } from '../src/snapshot/state-file.ts'
import { ClusterWorld, type WorldNode } from './cluster-world.ts'
import { MemoryFiles } from './memory-files.ts'
import { PaperCertificates } from './paper-certificates.ts'

const { sha256 } = new PaperCertificates()

async function running(): Promise<{ world: ClusterWorld; a: WorldNode; id: string }> {
  const world = await ClusterWorld.open(2)
  const [a, b] = world.pair
  const { id } = await world.createNetwork('blue')
  await a.attach('blue', 'c1')
  await b.attach('blue', 'c2')
  await world.run(5000)
  a.kill()
  return { world, a, id }
}

function damaged(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice()
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}

describe('a file', () => {
  test('comes back as it was; there may be none', async () => {
    const files = new MemoryFiles()
    const file = { files, name: 'x', sha256 }
    expect(await readState(file, (json) => json)).toBe(null)
    await writeState(file, { a: [1, 'ü', null] })
    expect(await readState(file, (json) => json)).toEqual({ a: [1, 'ü', null] })
  })

  test('of which any one bit is another is refused', async () => {
    const files = new MemoryFiles()
    const file = { files, name: 'x', sha256 }
    await writeState(file, { text: 'abc', list: [1, 2] })
    const bytes = files.content.get('x') ?? new Uint8Array(0)
    for (let at = 0; at < bytes.length; at++) {
      files.content.set('x', damaged(bytes, at))
      const error: unknown = await readState(file, (json) => json).catch((one: unknown) => one)
      expect(['ERR_STATE_CORRUPT', 'ERR_STATE_VERSION']).toContain((error as { code: string }).code)
      expect(files.content.get('x')).toEqual(damaged(bytes, at))
    }
    for (const length of [0, 5, bytes.length - 1]) {
      files.content.set('x', bytes.subarray(0, length))
      await expect(readState(file, (json) => json)).rejects.toMatchObject({
        code: 'ERR_STATE_CORRUPT',
        details: { file: 'x', remedy: expect.stringContaining('move x away') as string },
      })
    }
  })

  test('of another version is refused by its number', async () => {
    const files = new MemoryFiles()
    const file = { files, name: 'x', sha256 }
    await writeState(file, {})
    const text = utf8Text(files.content.get('x') ?? new Uint8Array(0), 0, 80)
    files.content.set('x', utf8Bytes(text.replace(` ${STATE_VERSION} `, ' 99 ')))
    await expect(readState(file, (json) => json)).rejects.toMatchObject({
      code: 'ERR_STATE_VERSION',
      details: { version: '99', expected: STATE_VERSION },
    })
  })

  test('whose fields are missing or of another kind is refused, and says which', () => {
    const fields = new JsonFields({ a: 1, b: 'x', c: [1], d: true, e: [{}] }, 'node')
    expect([fields.number('a'), fields.text('b'), fields.flag('d')]).toEqual([1, 'x', true])
    expect(fields.numbers('c', 1)).toEqual([1])
    const bad = [
      (): unknown => fields.text('a'),
      (): unknown => fields.number('b'),
      (): unknown => fields.flag('b'),
      (): unknown => fields.digits('b'),
      (): unknown => fields.texts('c'),
      (): unknown => fields.numbers('c', 2),
      (): unknown => fields.texts('zzz'),
      (): unknown => fields.objects('c', (one) => one),
      (): unknown => fields.objects('e', (one) => one.text('x')),
      (): unknown => new JsonFields([], 'node'),
      (): unknown => new JsonFields(null, 'node'),
    ]
    for (const read of bad) expect(read).toThrow(JsonFault)
    expect(() => fields.objects('e', (one) => one.text('x'))).toThrow('e[0].x is no text')
  })
})

describe('an agent', () => {
  test.each(Object.values(STATE_FILES))(
    'with a damaged %s does not start, touches nothing, and forwards on',
    async (name) => {
      const { a, id } = await running()
      const bytes = a.files.content.get(name) ?? new Uint8Array(0)
      expect(bytes.length).toBeGreaterThan(100)
      const bad = damaged(bytes, bytes.length - 20)
      a.files.content.set(name, bad)
      await expect(a.start()).rejects.toMatchObject({ code: 'ERR_STATE_CORRUPT' })
      expect(a.files.content.get(name)).toEqual(bad)
      expect(a.noted.desired?.networks.get(id)?.remote.size).toBe(1)
    },
  )

  test('without what peers knew begins again, without what was promised too', async () => {
    const { world, a, id } = await running()
    a.files.content.delete(STATE_FILES.peers)
    await a.start()
    expect(a.agent.view().ready).toBe(false)
    await world.until(() => a.agent.view().ready)
    await world.run(1000)
    expect(Object.keys(a.remote(id))).toEqual(['10.0.0.3'])
  })

  test('writes no secret that it need not, and keys only in files', async () => {
    const { a } = await running()
    const node = a.files.content.get(STATE_FILES.node) ?? new Uint8Array(0)
    expect(utf8Text(node, 0, node.length)).not.toContain('keyPem')
    expect(a.logs.join('\n')).not.toMatch(/"bytes"|keyPem/)
  })

  test('whose disk is full goes on, and writes down later what it owes', async () => {
    const { world, a } = await running()
    await a.start()
    await world.run(2000)
    a.files.isFull = true
    const before = a.files.writes.get(STATE_FILES.node) ?? 0
    const [first] = a.agent.attachments()
    await world.settled(a.agent.detach(first?.endpointId ?? ''))
    expect(a.agent.attachments()).toEqual([])
    expect(a.files.writes.get(STATE_FILES.node)).toBe(before)
    const said = (text: string): number =>
      a.logs.filter((line) => line.includes(text) && line.includes(STATE_FILES.node)).length
    await world.run(SAY_AGAIN_MS - 2000)
    expect(said('state not written down')).toBe(1)
    expect(a.agent.view().error).toContain('state not written down: no room')
    await world.run(4000)
    expect(said('state not written down')).toBe(2)
    a.files.isFull = false
    await world.run(2000)
    expect(said('state written down again')).toBe(1)
    expect(a.agent.view().error).toBe('')
    expect(a.files.writes.get(STATE_FILES.node)).toBeGreaterThan(before)
    a.kill()
    await a.start()
    expect(a.agent.attachments()).toEqual([])
  })

  test('says when files cannot be read at all', async () => {
    const { a } = await running()
    const facts = { path: 'agent-node', operation: 'read', diagnostic: 'EIO' }
    a.files.read = () => Promise.reject(filesError('ERR_FILES_FAILED', 'no', facts))
    await expect(a.start()).rejects.toMatchObject({ code: 'ERR_FILES_FAILED' })
  })
})
