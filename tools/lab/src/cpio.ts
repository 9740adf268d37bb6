/** Archives that the kernel unpacks as its first file system: cpio, "newc" (initramfs format). */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'

const FILE_TYPE = { folder: 0o040000, file: 0o100000, link: 0o120000 } as const
const ALIGNMENT_BYTES = 4
/** Name of the entry after the last. */
const TRAILER = 'TRAILER!!!'

/** Writes an archive. Invariant: folders are in it before what is in them. */
export class CpioWriter implements Disposable {
  readonly #fd: number
  readonly #folders = new Set<string>()
  #inode = 0

  /** Begin a new file, which must not exist. Throws the file system's errors, as all of it does. */
  constructor(path: string) {
    this.#fd = openSync(path, 'wx')
  }

  /** A folder, and those it is in, unless they are there. Paths have no slash at either end. */
  folder(path: string): void {
    if (path === '' || path === '.' || this.#folders.has(path)) return
    this.#addParent(path)
    this.#folders.add(path)
    this.#entry(path, FILE_TYPE.folder | 0o755, new Uint8Array())
  }

  /** A file with these bytes. */
  file(path: string, bytes: Uint8Array, mode = 0o644): void {
    this.#addParent(path)
    this.#entry(path, FILE_TYPE.file | mode, bytes)
  }

  /** A file that may be executed, from one out here. */
  program(path: string, source: string): void {
    this.file(path, readFileSync(source), 0o755)
  }

  /** A symbolic link. */
  link(path: string, target: string): void {
    this.#addParent(path)
    this.#entry(path, FILE_TYPE.link | 0o777, Buffer.from(target))
  }

  /** End the archive. */
  close(): void {
    this.#entry(TRAILER, 0, new Uint8Array())
    closeSync(this.#fd)
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #addParent(path: string): void {
    this.folder(path.slice(0, Math.max(0, path.lastIndexOf('/'))))
  }

  /** Everything belongs to root and is of the same age: the same input is the same archive. */
  #entry(path: string, mode: number, bytes: Uint8Array): void {
    const name = Buffer.from(`${path}\0`)
    const [links, owner, group, age, device] = [1, 0, 0, 0, 0]
    const fields = [
      ...[++this.#inode, mode, owner, group, links, age, bytes.length],
      ...[device, device, device, device, name.length, 0],
    ]
    const header = `070701${fields.map((field) => hex32(field)).join('')}`
    this.#write(Buffer.concat([Buffer.from(header), name]))
    this.#write(bytes)
  }

  #write(bytes: Uint8Array): void {
    const rest = -bytes.length & (ALIGNMENT_BYTES - 1)
    for (const part of [bytes, new Uint8Array(rest)]) {
      for (let at = 0; at < part.length; ) at += writeSync(this.#fd, part, at)
    }
  }
}

function hex32(value: number): string {
  return value.toString(16).padStart(8, '0')
}
