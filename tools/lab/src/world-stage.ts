/**
 * The first program inside a private world: furnishes it, then becomes the program that was asked
 * for. Exit code 125 says that it could not.
 */
import { describeError } from '@weft/core'
import { furnishWorld } from './furnish-world.ts'
import { replaceProcess, WORLD_VARIABLE } from './private-world.ts'

const [, program = '', ...args] = process.argv.slice(2)

try {
  furnishWorld()
  replaceProcess([program, ...args], { ...process.env, [WORLD_VARIABLE]: '1' })
} catch (error) {
  process.stderr.write(`enter: ${describeError(error)}\n`)
  process.exitCode = 125
}
