/** A Docker engine whose keys are replaced every few seconds: its own setting cannot be set. */
import { readFileSync, writeFileSync } from 'node:fs'
import { DOCKER_PROGRAMS } from './docker-tier.ts'
import { labError } from './lab-errors.ts'

/** How often Docker's key manager replaces keys: a constant of its program (docker-wire §5.1). */
const KEY_ROTATION_NS = 12n * 3_600n * 1_000_000_000n

/**
 * Write a copy of the engine in which that constant, the only one of its value there, is another.
 * Throws ERR_LAB_REQUEST where the program has none or several.
 */
export function writeImpatientEngine(file: string, keyRotationMs: number): string {
  const program = readFileSync(DOCKER_PROGRAMS.dockerd)
  const usual = Buffer.alloc(8)
  usual.writeBigInt64LE(KEY_ROTATION_NS)
  const at = program.indexOf(usual)
  if (at < 0 || program.includes(usual, at + 1)) {
    throw labError('ERR_LAB_REQUEST', 'an engine of another make', {
      problem: `12 hours are ${at < 0 ? 'nowhere' : 'more than once'} in its program`,
      expected: 'exactly one constant of 12 hours, as in docker.io 20.10',
    })
  }
  program.writeBigInt64LE(BigInt(keyRotationMs) * 1_000_000n, at)
  writeFileSync(file, program, { mode: 0o755 })
  return file
}
