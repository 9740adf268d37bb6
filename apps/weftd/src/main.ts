#!/usr/bin/env node
/** `weftd`: the daemon's program. */
import { readFileSync } from 'node:fs'
import { useCodeCache } from '@weft/runtime-node/code-cache'

useCodeCache(process.env)
const { run } = await import('./run.ts')

/** Beside `src` and beside `dist`. */
const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
const { version } = JSON.parse(manifest) as { readonly version: string }

process.exitCode = await run(process.argv.slice(2), version)
