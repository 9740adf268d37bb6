/** Files in memory: they outlive their agent, and break when they are told to. */
import { filesError, type Files } from '@weft/core'

/** A directory of a test. */
export class MemoryFiles implements Files {
  readonly content = new Map<string, Uint8Array>()
  /** How many writes there were, by name. */
  readonly writes = new Map<string, number>()
  /** True: no room is left. */
  isFull = false

  async read(name: string): Promise<Uint8Array | null> {
    return this.content.get(name)?.slice() ?? null
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    if (this.isFull) throw filesError('ERR_FILES_FULL', 'no room', { path: name })
    this.writes.set(name, (this.writes.get(name) ?? 0) + 1)
    this.content.set(name, bytes.slice())
  }

  async remove(name: string): Promise<void> {
    this.content.delete(name)
  }
}
