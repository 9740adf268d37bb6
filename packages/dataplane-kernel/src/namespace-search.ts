/** Finding the path of a namespace that is only known by the id another namespace has for it. */
import { findNamespaces, isKernelError, openNamespace, type Kernel } from '@weft/linux'

/** Looks where it is told first, then through the named namespaces and those of processes. */
export class NamespaceSearch {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  /**
   * A path of the namespace that `kernel`'s namespace calls `netnsId`: `hint` when it leads there,
   * else whatever does; null when nothing does.
   */
  pathOf(kernel: Kernel, netnsId: number, hint: string | null): string | null {
    if (hint !== null && leadsTo(kernel, netnsId, hint)) return hint
    return this.paths().find((path) => leadsTo(kernel, netnsId, path)) ?? null
  }

  /** A path for every namespace that can be reached, each once. */
  paths(): readonly string[] {
    return findNamespaces([this.#directory]).map(({ path }) => path)
  }
}

function leadsTo(kernel: Kernel, netnsId: number, path: string): boolean {
  try {
    using handle = openNamespace(path)
    return kernel.namespaceIds.of(handle.fd) === netnsId
  } catch (error) {
    // Gone, not a namespace, or not ours to look into.
    if (isKernelError(error)) return false
    throw error
  }
}
