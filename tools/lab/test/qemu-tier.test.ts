/** The qemu tier says what it lacks, and where that is to be had. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { guestKernel, guestKernelFolder } from '../src/guest-kernel.ts'
import { qemuTier } from '../src/qemu-tier.ts'

let cache = ''
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'weft-cache-'))
  vi.stubEnv('XDG_CACHE_HOME', cache)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(cache, { recursive: true })
})

test('without a kernel it is off, and names the command that fetches one', async () => {
  const report = await qemuTier()
  const folder = join(cache, 'weft/guest-kernel')
  const command = `tools/lab/qemu/fetch-kernel.sh ${folder}`
  expect(report).toMatchObject({ tier: 'qemu', usable: false })
  expect(report).toHaveProperty('missing', expect.arrayContaining([
    `a kernel for guests (${command})`,
  ]))
})

test('a kernel that was fetched is found by its package', () => {
  expect(guestKernel()).toBeNull()
  const folder = guestKernelFolder()
  mkdirSync(folder, { recursive: true })
  for (const name of ['vmlinuz', 'package']) writeFileSync(join(folder, name), 'linux-image-0\n')
  expect(guestKernel()).toEqual({
    name: 'linux-image-0',
    image: join(folder, 'vmlinuz'),
    modules: join(folder, 'modules'),
  })
})
