/** Machines that programs can be run on, whatever they are made of. */
import { assert, type Ip } from '@weft/core'
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { labError } from './lab-errors.ts'
import type { Command } from './private-world.ts'

/** Somewhere with a network, a file system and processes of its own. */
export interface Machine {
  readonly name: string
  /** Its IPv4 address on the underlay. */
  readonly ip: Ip
  /** The command that, run here, runs `command` there. */
  command(command: Command): Command
}

/** A program with open standard streams. */
export type MachineProcess = ChildProcessByStdio<Writable, Readable, Readable>

/** How a program ended, and what it said. */
export interface Finished {
  /** 128 + the signal's number does not occur: a program that a signal ended has null. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** How to run a program. */
export interface RunOptions {
  /** Goes to its standard input, which ends after it. */
  readonly input?: string | Uint8Array
  /** Killed by then; 60,000 when left out. */
  readonly withinMs?: number
}

/** Characters of each stream that are kept: the first ones. */
export const OUTPUT_CHARACTERS_MAX = 4 << 20

const WITHIN_DEFAULT_MS = 60_000

/**
 * Start a program on a machine and leave it running. It is killed when the thread that started it
 * ends, so that nothing outlives the tests.
 */
export function startOn(machine: Machine, command: Command): MachineProcess {
  const words = ['--pdeathsig', 'KILL', '--', ...machine.command(command)]
  return spawn('setpriv', words, { stdio: ['pipe', 'pipe', 'pipe'] })
}

/** Run a program on a machine to its end, whatever that is. Rejects when it cannot be started. */
export function tryOn(
  machine: Machine,
  command: Command,
  { input = '', withinMs = WITHIN_DEFAULT_MS }: RunOptions = {},
): Promise<Finished> {
  const child = startOn(machine, command)
  const stdout = collect(child.stdout)
  const stderr = collect(child.stderr)
  const timer = setTimeout(() => child.kill('SIGKILL'), withinMs)
  // Whoever reads no input closes it: that is no failure of ours.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      clearTimeout(timer)
      resolve({ code, stdout: stdout(), stderr: stderr() })
    })
  })
}

/**
 * Run a program on a machine and return what it printed, without the last line's end. Rejects with
 * ERR_COMMAND unless it ends with 0.
 */
export async function runOn(
  machine: Machine,
  command: Command,
  options: RunOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await tryOn(machine, command, options)
  if (code === 0) return stdout.replace(/\n$/, '')
  const details = { machine: machine.name, command: command.join(' '), code, stderr, stdout }
  throw labError('ERR_COMMAND', `${command[0]} failed`, details)
}

/** What a stream says from now on, as far as it is kept. */
export function collect(stream: Readable): () => string {
  let text = ''
  stream.setEncoding('utf8').on('data', (part: string) => {
    text = (text + part).slice(0, OUTPUT_CHARACTERS_MAX)
  })
  return () => text
}

/** A command from words. */
export function commandOf(words: readonly string[]): Command {
  const [program, ...args] = words
  assert(program !== undefined, 'a command has a first word')
  return [program, ...args]
}
