/** Compiled code is kept where nobody else may write, and nowhere else. */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { codeCacheDirectory } from '../src/code-cache.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'weft-code-'))
})
afterEach(() => {
  rmSync(directory, { recursive: true })
})

/** A program that loads something of ours after it has asked for the cache at `cache`. */
function runProgram(cache: string): void {
  const source = (name: string): string =>
    JSON.stringify(new URL(`../src/${name}.ts`, import.meta.url).href)
  const script =
    `const { keepCodeCache, useCodeCache } = await import(${source('code-cache')})\n` +
    `useCodeCache(process.env); await import(${source('log-sinks')}); keepCodeCache()`
  const env: NodeJS.ProcessEnv = { ...process.env, CACHE_DIRECTORY: cache }
  delete env['NODE_COMPILE_CACHE']
  const words = ['--conditions=@weft/source', '--input-type=module', '-e', script]
  execFileSync(process.execPath, words, { env })
}

test('a directory is made for its owner alone, and filled', () => {
  const cache = join(directory, 'deep', 'cache')
  runProgram(cache)
  expect(statSync(cache).mode & 0o777).toBe(0o700)
  expect(readdirSync(cache, { recursive: true }).length).toBeGreaterThan(1)
})

test('one that others may write to is left alone, and so is a file in the way', () => {
  const cache = join(directory, 'cache')
  mkdirSync(cache)
  chmodSync(cache, 0o770)
  runProgram(cache)
  expect(readdirSync(cache)).toEqual([])
  runProgram('/dev/null')
})

test('systemd says where it is; otherwise who we are does', () => {
  expect(codeCacheDirectory({ CACHE_DIRECTORY: '/c', XDG_CACHE_HOME: '/x' })).toBe('/c')
  const own = process.getuid?.() === 0 ? '/var/cache/weft' : '/x/weft'
  expect(codeCacheDirectory({ XDG_CACHE_HOME: '/x' })).toBe(own)
})
