/** Programs that the lab's machines find on their PATH: ours, from this repository. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** This repository, which the lab's machines see at the same place. */
export const REPOSITORY = join(import.meta.dirname, '../../..')

/** Where machines look for programs after the lab's own folder. */
const SYSTEM_PATH = '/usr/sbin:/usr/bin:/sbin:/bin'

/** Ours, run by this very Node. */
const APPS = ['weft', 'weftd'] as const

/** What machines find on their PATH. */
export interface ProgramOptions {
  /** Our programs as `npm run build` made them, which it must have; from sources when left out. */
  readonly built?: boolean
  /** Stands in for all of iptables' programs. */
  readonly iptables?: string
  /** Where ours keep compiled code; where they do on any machine when left out. */
  readonly cache?: string
}

/** Names under which dockerd calls iptables, whose older kind is all that some kernels serve. */
const IPTABLES = ['iptables', 'ip6tables'].flatMap((name) => [
  name,
  `${name}-save`,
  `${name}-restore`,
])

/** Fill a new folder with programs; returns the PATH that has them first. */
export function writePrograms(folder: string, options: ProgramOptions = {}): string {
  const { built = false, cache, iptables } = options
  mkdirSync(folder, { recursive: true })
  for (const app of APPS) {
    const main = join(REPOSITORY, 'apps', app, built ? 'dist/main.js' : 'src/main.ts')
    const flags = built ? [] : ['--conditions=@weft/source']
    const words = [process.execPath, ...flags, main].map(quoted).join(' ')
    const set = cache === undefined ? '' : `export CACHE_DIRECTORY=${quoted(cache)}\n`
    writeFileSync(join(folder, app), `#!/bin/sh\n${set}exec ${words} "$@"\n`, { mode: 0o755 })
  }
  symlinkSync(process.execPath, join(folder, 'node'))
  if (iptables !== undefined) for (const name of IPTABLES) symlinkSync(iptables, join(folder, name))
  return `${folder}:${SYSTEM_PATH}`
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}
