/**
 * Running a program inside a private world: a mount and a network namespace of its own (and a user
 * namespace when we are not root), so that all it makes vanishes with its last process.
 */
import { spawn } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { constants as osConstants } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { labError } from './lab-errors.ts'
import { netnsTier, UNSHARE_ARGUMENTS } from './tier-report.ts'

/** Set to '1' for everything that runs inside a private world. */
export const WORLD_VARIABLE = 'WEFT_PRIVATE_WORLD'

/** Program and arguments, as after `--` on the command line of `enter`. */
export type Command = readonly [program: string, ...args: string[]]

/** True when this process was started inside a private world. */
export function insidePrivateWorld(): boolean {
  return process.env[WORLD_VARIABLE] === '1'
}

/**
 * The command that runs `command` inside a private world, and the world's `/run/netns` is empty and
 * its `lo` is up. Rejects with ERR_TIER_UNAVAILABLE, which names what is missing.
 */
export async function privateWorldCommand(command: Command): Promise<Command> {
  const tier = await netnsTier()
  if (!tier.usable) {
    const { missing } = tier
    throw labError('ERR_TIER_UNAVAILABLE', 'no private world to be had', { tier: 'netns', missing })
  }
  const stage = fileURLToPath(new URL('./world-stage.ts', import.meta.url))
  const node = [process.execPath, '--conditions=@weft/source', stage, '--', ...command]
  return ['unshare', ...UNSHARE_ARGUMENTS[tier.by], '--', ...node]
}

/**
 * Become `command` inside a private world: this process image is replaced, so signals and the exit
 * code need no forwarding. Never resolves; rejects with ERR_TIER_UNAVAILABLE or ERR_LAB_REQUEST.
 */
export async function becomePrivate(command: Command): Promise<never> {
  return replaceProcess(await privateWorldCommand(command), process.env)
}

/**
 * Run `command` inside a private world with our standard streams and wait for it. Resolves to its
 * exit code, 128 + the signal's number if a signal ended it. SIGINT and SIGTERM sent to us go on to
 * it; when we exit, it is killed. Rejects with ERR_TIER_UNAVAILABLE.
 */
export async function runPrivately(command: Command): Promise<number> {
  const [program, ...args] = await privateWorldCommand(command)
  const child = spawn(program, args, { stdio: 'inherit' })
  const kill = (): void => void child.kill('SIGKILL')
  // A terminal sends Ctrl-C to the whole group; the listener only keeps us alive to see the end.
  const wait = (): void => undefined
  const forward = (): void => void child.kill('SIGTERM')
  process.on('exit', kill).on('SIGINT', wait).on('SIGTERM', forward)
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code, signal) => resolve(code ?? 128 + signalNumber(signal)))
    })
  } finally {
    process.off('exit', kill).off('SIGINT', wait).off('SIGTERM', forward)
  }
}

/** Replace this process by a program on the PATH. Throws ERR_LAB_REQUEST when there is none. */
export function replaceProcess([program, ...args]: Command, env: NodeJS.ProcessEnv): never {
  const path = program.includes('/') ? program : findProgram(program, env['PATH'] ?? '')
  if (path === null || process.execve === undefined) {
    throw labError('ERR_LAB_REQUEST', 'cannot run the program', {
      problem: path === null ? `${program} is not on the PATH` : 'this Node has no execve',
      expected: 'a program on the PATH, and Node 22.15 or later',
    })
  }
  const plain = Object.entries(env).filter((entry): entry is [string, string] => !!entry[1])
  process.execve(path, [program, ...args], Object.fromEntries(plain))
  throw new Error('bug: execve came back')
}

function findProgram(name: string, path: string): string | null {
  const candidates = path.split(delimiter).map((folder) => join(folder || '.', name))
  return candidates.find(isProgram) ?? null
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

function signalNumber(signal: NodeJS.Signals | null): number {
  return signal === null ? 0 : osConstants.signals[signal]
}
