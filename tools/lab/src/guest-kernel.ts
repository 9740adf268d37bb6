/** The kernel of guests: Debian's, taken out of its package, and kept outside of the repository. */
import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Puts it there: `fetch-kernel.sh FOLDER`. Needs apt-get and dpkg-deb, and no privilege. */
export const FETCH_KERNEL = join(import.meta.dirname, '../qemu/fetch-kernel.sh')

/** What a guest is made of that is not ours. */
export interface GuestKernel {
  /** The package that it is from. */
  readonly name: string
  readonly image: string
  readonly modules: string
}

/** Where `fetch-kernel.sh` is told to put it. */
export function guestKernelFolder(): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  return join(cache, 'weft/guest-kernel')
}

/** The kernel that was fetched; null when there is none. */
export function guestKernel(): GuestKernel | null {
  const folder = guestKernelFolder()
  const image = join(folder, 'vmlinuz')
  if (!existsSync(image)) return null
  const name = readFileSync(join(folder, 'package'), 'utf8').trim()
  return { name, image, modules: join(folder, 'modules') }
}
