#!/usr/bin/env node
/** `weft`: the command line of a Weft node. */
import { useCodeCache } from '@weft/runtime-node/code-cache'

useCodeCache(process.env)
const { nodeSurroundings, weft } = await import('./index.ts')

/** A reader that went away (`weft events | head -1`) is no failure of ours. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1)
})

process.exitCode = await weft(process.argv.slice(2), nodeSurroundings(process.argv[1] ?? 'weft'))
