/** A package of its own in a temporary folder, gone when disposed. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** Files by their paths, and what is in them. */
export type Files = Readonly<Record<string, string>>

/** Made with files; `write` adds to them. */
export class PlantedPackage implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'weft-bundle-'))

  constructor(files: Files) {
    this.write(files)
  }

  write(files: Files): void {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.folder, path)), { recursive: true })
      writeFileSync(join(this.folder, path), text)
    }
  }

  read(path: string): string {
    return readFileSync(join(this.folder, path), 'utf8')
  }

  /** Run a file of it; returns what it printed. */
  run(path: string): string {
    return execFileSync(process.execPath, [join(this.folder, path)], { encoding: 'utf8' })
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
