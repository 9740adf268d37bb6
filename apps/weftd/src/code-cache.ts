/** Compiled code from the last start, which more than halves the work of this one. */
import { lstatSync, mkdirSync } from 'node:fs'
import { enableCompileCache, flushCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'

const OWNER_ONLY = 0o700
const OTHERS_MAY_WRITE = 0o022

/**
 * Use and fill the cache. To be called before anything large is loaded. Does nothing where the
 * directory cannot be had, or is not ours alone: what is in it is run.
 */
export function useCodeCache(environment: NodeJS.ProcessEnv): void {
  const directory = cacheDirectory(environment)
  if (isOurs(directory)) enableCompileCache(directory)
}

/** Write down now what is new, for a process that may be ended without a word. */
export function keepCodeCache(): void {
  flushCompileCache()
}

/** CACHE_DIRECTORY is systemd's. */
function cacheDirectory({ CACHE_DIRECTORY, XDG_CACHE_HOME }: NodeJS.ProcessEnv): string {
  if (CACHE_DIRECTORY !== undefined) return CACHE_DIRECTORY
  if (process.getuid?.() === 0) return '/var/cache/weft'
  return join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'weft')
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
