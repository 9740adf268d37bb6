/** A directory of small files as a port: read whole, replaced whole. */
import { defineErrors } from './errors.ts'

/** Bytes in a file that this port reads or writes. */
export const FILE_BYTES_MAX = 64 << 20

/** Why a file could not be read or written. */
export type FilesErrors = {
  /** No room left on the device; the file is as it was. */
  ERR_FILES_FULL: { readonly path: string }
  /** The machine refused; `diagnostic` is its own words. */
  ERR_FILES_FAILED: {
    readonly path: string
    readonly operation: string
    readonly diagnostic: string
  }
}

/** Makes errors of files. */
export const filesError = defineErrors<FilesErrors>()

/** Files of one directory by name (no slashes). */
export interface Files {
  /** Null when there is none. */
  read(name: string): Promise<Uint8Array | null>
  /**
   * Replace at once and durably: whoever reads sees the old or the new file, after a power cut
   * too. Mode 0600: any of them may hold a secret.
   */
  write(name: string, bytes: Uint8Array): Promise<void>
  /** Removing what is not there does nothing. */
  remove(name: string): Promise<void>
}
