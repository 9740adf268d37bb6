/** Whatever is asked, an answer comes, and nothing is done that was not understood. */
import fc from 'fast-check'
import { test, expect } from 'vitest'
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

const isAnswer = async (response: Response): Promise<boolean> => {
  await response.body?.cancel()
  return response.status >= 200 && response.status < 600
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
      const text = await response.text()
      if (text !== '') JSON.parse(text)
      expect(text).not.toContain('internal error')
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
      expect(await isAnswer(await one.api(new Request(url, { method: verb })))).toBe(true)
      one.api[Symbol.dispose]()
    }),
  )
})
