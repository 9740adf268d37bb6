/** `enter [--] CMD…`: run a program in a private world. Exit code 125 says that it could not. */
import { describeError, hasCode } from '@weft/core'
import { becomePrivate, type Command } from './private-world.ts'

const EXIT_NOT_ENTERED = 125

const words = process.argv.slice(2)
const [program = process.env['SHELL'] ?? '/bin/sh', ...args] =
  words[0] === '--' ? words.slice(1) : words
const command: Command = [program, ...args]

try {
  await becomePrivate(command)
} catch (error) {
  process.stderr.write(`enter: ${describe(error)}\n`)
  process.exitCode = EXIT_NOT_ENTERED
}

function describe(error: unknown): string {
  if (!hasCode(error, 'ERR_TIER_UNAVAILABLE')) return describeError(error)
  const missing = error.details['missing'] as readonly string[]
  return [`${error.message}; what is missing:`, ...missing].join('\n  - ')
}
