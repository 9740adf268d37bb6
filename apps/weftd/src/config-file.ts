/** The file of options: one JSON object, with the names of the flags. */
import { readFile } from 'node:fs/promises'
import { daemonError } from './daemon-errors.ts'
import type { DaemonOptions } from './daemon-options.ts'
import { fieldName, readOptions, refuse } from './option-values.ts'

/** Bytes that are read of such a file. */
export const CONFIG_BYTES_MAX = 1 << 20

/**
 * Read options from `path`. A file that is not there has none, unless somebody asked for it.
 * Throws ERR_OPTION naming the entry, or the file when it is no JSON object.
 */
export async function readConfigFile(
  path: string,
  { mustExist }: { readonly mustExist: boolean },
): Promise<Partial<DaemonOptions>> {
  const text = await readText(path, mustExist)
  if (text === null) return {}
  const json = parse(text, path)
  const fields = Object.entries(json).map(([name, value]) => {
    // Only the spelling of the flags: `log-level`, not `logLevel`.
    if (/[A-Z]/.test(name)) throw refuse(path, name, 'there is no such option')
    return [fieldName(name), value] as const
  })
  return readOptions(Object.fromEntries(fields), path)
}

async function readText(path: string, mustExist: boolean): Promise<string | null> {
  try {
    const bytes = await readFile(path)
    if (bytes.length > CONFIG_BYTES_MAX) throw refuse(path, 'config', 'the file is too large')
    return bytes.toString('utf8')
  } catch (error) {
    const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : null
    if (code === 'ENOENT' && !mustExist) return null
    if (code === 'ERR_OPTION') throw error
    const facts = { origin: path, name: 'config', problem: String(code) }
    throw daemonError('ERR_OPTION', 'the file of options cannot be read', facts, error)
  }
}

function parse(text: string, path: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(text)
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) {
      return json as Record<string, unknown>
    }
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    throw refuse(path, 'config', problem)
  }
  throw refuse(path, 'config', 'expected one JSON object')
}
