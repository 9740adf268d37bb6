/** Whatever is asked, an answer comes, and nothing is done that was not understood. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BODY_BYTES_MAX } from '../src/index.ts'
import { rig } from './scripted-node.ts'

const PATHS = [
  '/swarm/init',
  '/swarm/join',
  '/swarm/update?version=1',
  '/networks/create',
  '/nodes/x/update?version=1',
  '/weft/attachments',
]
const GETS = ['/networks', '/nodes', '/events', '/networks/prune', '/info', '/weft/status']

/** Whatever is wrong with a request, it is not the server: 500 is Docker's for one thing only. */
const checkBlame = async (response: Response): Promise<void> => {
  if (response.status !== 500) {
    await response.body?.cancel()
    return
  }
  expect(await response.text()).toContain('update out of sequence')
}

test('bodies of any bytes are refused', async () => {
  const body = fc.uint8Array({ maxLength: 200 })
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...PATHS), body, async (path, bytes) => {
      const one = rig('manager')
      const headers = { 'content-type': 'application/json' }
      const request = new Request(`http://x${path}`, { method: 'POST', body: bytes, headers })
      const response = await one.api(request)
      expect(response.status).toBeGreaterThanOrEqual(400)
      expect(one.node.calls).toEqual([])
    }),
  )
})

/** Names that mean something, so that values get past the first look. */
const NAMES = ['Name', 'Driver', 'Labels', 'Options', 'IPAM', 'Config', 'Subnet', 'Role', 'Spec']
const MORE = ['Availability', 'CAConfig', 'network', 'name', 'netns', 'address', '__proto__']

test('bodies of any JSON get an answer that is JSON', async () => {
  const { json } = fc.letrec((tie) => ({
    json: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(null, true, 0, -1, 1e300),
      fc.constantFrom('', 'overlay', '/x', 'active', 'worker', '10.0.0.1'),
      fc.array(tie('json'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...NAMES, ...MORE), tie('json'), { maxKeys: 4 }),
    ),
  }))
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...PATHS), json, async (path, value) => {
      const response = await rig('manager').send('POST', path, JSON.stringify(value))
      const text = await response.clone().text()
      if (text !== '') JSON.parse(text)
      await checkBlame(response)
    }),
  )
})

test('paths and queries of any text get an answer', async () => {
  const path = fc.oneof(fc.constantFrom(...GETS), fc.string({ unit: 'binary', maxLength: 40 }))
  const query = fc.dictionary(
    fc.constantFrom('filters', 'since', 'until', 'verbose', 'scope', 'version', 'force'),
    fc.oneof(fc.string(), fc.json({ maxDepth: 2 })),
  )
  const method = fc.constantFrom('GET', 'HEAD', 'POST', 'DELETE', 'PUT', 'OPTIONS')
  await fc.assert(
    fc.asyncProperty(method, path, query, async (verb, text, terms) => {
      const one = rig('manager')
      const url = new URL('http://x/')
      url.pathname = text
      url.search = new URLSearchParams(terms).toString()
      await checkBlame(await one.api(new Request(url, { method: verb })))
      one.api[Symbol.dispose]()
    }),
  )
})

describe('a body as long and as deep as it may be', () => {
  const half = BODY_BYTES_MAX / 2
  const deep: readonly (readonly [string, string])[] = [
    ['lists', '['.repeat(half) + ']'.repeat(half)],
    ['lists without an end', '['.repeat(BODY_BYTES_MAX)],
    ['objects', `${'{"a":'.repeat(half / 3)}1${'}'.repeat(half / 3)}`],
    ['objects in labels', `{"Labels":${'{"a":'.repeat(half / 4)}1${'}'.repeat(half / 4)}}`],
    ['fields', `{${Array.from({ length: half / 8 }, (_, i) => `"${i}":1`).join()}}`],
    ['one field many times', `{${'"Name":7,'.repeat(half / 8)}"Name":8}`],
  ]
  test.each(deep)('%s', async (_, body) => {
    for (const path of PATHS) {
      await checkBlame(await rig('manager').send('POST', path, body))
    }
  })

  test('filters, too', async () => {
    const deepest = `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`
    for (const filters of [deepest, `{"name":${deepest}}`, '['.repeat(60_000)]) {
      const response = await rig('manager').get(`/networks?filters=${encodeURIComponent(filters)}`)
      expect(response.status).toBe(400)
    }
  })
})

test.each([
  ...['..%2f..%2fetc%2fpasswd', '%2e%2e%2f', '%00', '%zz', '%', '%f0%9f', '%c0%ae%c0%ae', '~'],
  ...['__proto__', 'constructor', 'toString', '*', 'a'.repeat(10_000), '%0d%0aHost:x', '"', "'"],
])('%j names nothing', async (name) => {
  const one = rig('manager')
  const there = [
    ['GET', `/networks/${name}`],
    ['DELETE', `/networks/${name}`],
    ['GET', `/nodes/${name}`],
    ['DELETE', `/nodes/${name}?force=1`],
    ['POST', `/networks/${name}/connect`],
  ] as const
  for (const [method, path] of there) {
    const { status } = await one.send(method, path)
    expect([400, 404, 405, 501]).toContain(status)
  }
  expect(one.node.calls).toEqual([])
})
