/** What this program is: its release, and the API that it speaks. */
import { readFileSync } from 'node:fs'

/** Version of the Engine API that requests are made for. */
export const API_VERSION = '1.41'

/** The package's version. */
export const RELEASE = releaseOf(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
)

function releaseOf(manifest: string): string {
  return (JSON.parse(manifest) as { readonly version: string }).version
}

/** The machine's architecture under Go's name for it. */
export function architecture(): string {
  return process.arch === 'x64' ? 'amd64' : process.arch
}
