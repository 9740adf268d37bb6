/** Compiled code from the last start: most of what this program does is starting. */
import { lstatSync, mkdirSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'

const OWNER_ONLY = 0o700
const OTHERS_MAY_WRITE = 0o022

/**
 * Use and fill the cache, which the daemon uses too. To be called before anything large is loaded.
 * Does nothing where the directory cannot be had or is not ours alone: what is in it is run.
 */
export function useCodeCache(env: NodeJS.ProcessEnv): void {
  const directory = cacheDirectory(env)
  if (isOurs(directory)) enableCompileCache(directory)
}

function cacheDirectory(env: NodeJS.ProcessEnv): string {
  if (process.getuid?.() === 0) return '/var/cache/weft'
  return join(env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'weft')
}

function isOurs(directory: string): boolean {
  try {
    mkdirSync(directory, { recursive: true, mode: OWNER_ONLY })
    const { uid, mode } = lstatSync(directory)
    return uid === process.getuid?.() && (mode & OTHERS_MAY_WRITE) === 0
  } catch {
    return false
  }
}
