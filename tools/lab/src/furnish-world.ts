/** What a new mount and network namespace needs before programs feel at home in it. */
import { Kernel, NAMESPACE_DIRECTORY } from '@weft/linux'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Give the private world this process is in an empty directory for named namespaces, and bring up
 * its loopback. Where there is no such directory outside, the whole of /run is new inside, so that
 * none is left behind. Throws what `mount` says, or ERR_KERNEL.
 */
export function furnishWorld(): void {
  if (existsSync(NAMESPACE_DIRECTORY)) mountEmpty(NAMESPACE_DIRECTORY)
  else {
    mountEmpty(dirname(NAMESPACE_DIRECTORY))
    mkdirSync(NAMESPACE_DIRECTORY)
  }
  using kernel = Kernel.open()
  kernel.links.change('lo', { up: true })
}

function mountEmpty(path: string): void {
  const options = ['-t', 'tmpfs', '-o', 'mode=755', 'weft-world', path]
  execFileSync('mount', options, { stdio: ['ignore', 'ignore', 'pipe'] })
}
