/** The probe tells what is so, and leaves no trace. */
import { findNamespaces, namespaceIdentity, probeKernel } from '../src/index.ts'
import { expect, test } from 'vitest'
import { openFds, run } from './scratch.ts'

test('finds what the tests of this package have used, and leaves no trace', () => {
  probeKernel()
  const before = [openFds(), run('ip -br link'), namespaceIdentity()]
  const facts = probeKernel()
  expect([openFds(), run('ip -br link'), namespaceIdentity()]).toEqual(before)
  expect(facts['network-namespace']).toBeNull()
  const used = ['bridge', 'vxlan', 'veth', 'nftables'] as const
  for (const ability of used) expect(facts[ability], ability).toBeNull()
  expect(facts.release).toMatch(/^[0-9]+\.[0-9]+/)
  expect(findNamespaces().length).toBeGreaterThan(0)
})

test('a lack is the refusal of the kernel', () => {
  for (const fact of Object.values(probeKernel())) {
    if (fact === null || typeof fact === 'string') continue
    expect(fact).toEqual({ errno: expect.stringMatching(/^E/), diagnostic: expect.any(String) })
  }
})
