/** Whether HashiCorp's memberlist, as Debian packages it, can be built and run here. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { TierReport } from './tier-report.ts'

/** Where Debian puts the sources of Go libraries: what GOPATH must be. */
export const DEBIAN_GOPATH = '/usr/share/gocode'

const LIBRARY = `${DEBIAN_GOPATH}/src/github.com/hashicorp/memberlist/memberlist.go`
const GO_TIMEOUT_MS = 10_000

/** Rings of ours mixed with another implementation need its compiler and its sources. */
export async function memberlistTier(): Promise<TierReport> {
  const refusal = await tryGo()
  const missing = [
    ...(refusal === null ? [] : [refusal]),
    ...(existsSync(LIBRARY) ? [] : ['package golang-github-hashicorp-memberlist-dev']),
  ]
  if (missing.length > 0) return { tier: 'memberlist', usable: false, missing }
  return { tier: 'memberlist', usable: true, by: 'go' }
}

/** Null when the compiler answers, else why not. */
function tryGo(): Promise<string | null> {
  return new Promise((resolve) => {
    execFile('go', ['version'], { timeout: GO_TIMEOUT_MS }, (error) => {
      if (error === null) resolve(null)
      else if (error.code === 'ENOENT') resolve('no go on the PATH (package golang-go)')
      else resolve(`go: ${error.message}`)
    })
  })
}
