/** Compiled code from the last start: most of what a short-lived program does is starting. */
import { lstatSync, mkdirSync } from 'node:fs'
import { enableCompileCache, flushCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'

const OWNER_ONLY = 0o700
const OTHERS_MAY_WRITE = 0o022

/**
 * Use and fill the cache of Weft's programs. To be called before anything large is loaded, which is
 * why this module has a door of its own. Does nothing where the directory cannot be had, or is not
 * ours alone: what is in it is run.
 */
export function useCodeCache(env: NodeJS.ProcessEnv): void {
  const directory = codeCacheDirectory(env)
  if (isOurs(directory)) enableCompileCache(directory)
}

/** Write down now what is new, for a process that may be ended without a word. */
export function keepCodeCache(): void {
  flushCompileCache()
}

/** CACHE_DIRECTORY is systemd's (systemd.exec(5)), XDG_CACHE_HOME that of desktops. */
export function codeCacheDirectory(env: NodeJS.ProcessEnv): string {
  const { CACHE_DIRECTORY, XDG_CACHE_HOME } = env
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
