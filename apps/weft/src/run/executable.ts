/** Finds the program that a command names, before anything is set up for it. */
import { accessSync, constants, statSync } from 'node:fs'
import { join } from 'node:path'
import { CommandFailure, EXIT_CANNOT_START, EXIT_NO_COMMAND } from '../command-failure.ts'

/** Where programs are looked for when PATH is not set (execvp(3)). */
export const PATH_DEFAULT = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** The path of a program. Throws CommandFailure: 127 for none, 126 for what cannot be executed. */
export function findExecutable(
  command: string,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const candidates = command.includes('/')
    ? [command]
    : (env['PATH'] ?? PATH_DEFAULT).split(':').map((directory) => join(directory || '.', command))
  const files = candidates.filter(isFile)
  const found = files.find(isExecutable)
  if (found !== undefined && command !== '') return found
  const [problem, status] =
    files.length > 0
      ? ['permission denied', EXIT_CANNOT_START]
      : command.includes('/')
        ? ['no such file or directory', EXIT_NO_COMMAND]
        : ['executable file not found in $PATH', EXIT_NO_COMMAND]
  throw new CommandFailure(`weft: exec: ${JSON.stringify(command)}: ${problem}`, status)
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
