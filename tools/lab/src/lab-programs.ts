/** Programs that the lab's machines find on their PATH: ours, from this repository's sources. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** This repository, which the lab's machines see at the same place. */
export const REPOSITORY = join(import.meta.dirname, '../../..')

/** Where machines look for programs after the lab's own folder. */
const SYSTEM_PATH = '/usr/sbin:/usr/bin:/sbin:/bin'

/** Ours, run from their sources by this very Node. */
const APPS = ['weft', 'weftd'] as const

/** Names under which dockerd calls iptables, whose older kind is all that some kernels serve. */
const IPTABLES = ['iptables', 'ip6tables'].flatMap((name) => [
  name,
  `${name}-save`,
  `${name}-restore`,
])

/** Fill a new folder with programs; returns the PATH that has them first. */
export function writePrograms(folder: string, iptables: string | null = null): string {
  mkdirSync(folder, { recursive: true })
  for (const app of APPS) {
    const main = join(REPOSITORY, 'apps', app, 'src/main.ts')
    const words = [process.execPath, '--conditions=@weft/source', main].map(quoted).join(' ')
    writeFileSync(join(folder, app), `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 })
  }
  symlinkSync(process.execPath, join(folder, 'node'))
  if (iptables !== null) for (const name of IPTABLES) symlinkSync(iptables, join(folder, name))
  return `${folder}:${SYSTEM_PATH}`
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}
