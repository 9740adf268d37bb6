/** A machine that runs weftd, and the commands that a user types there. */
import { assert } from '@weft/core'
import { once } from 'node:events'
import { DOCKER_PROGRAMS } from './docker-tier.ts'
import { eventually } from './eventually.ts'
import { labError } from './lab-errors.ts'
import {
  collect,
  runOn,
  startOn,
  tryOn,
  type Finished,
  type Machine,
  type MachineProcess,
  type RunOptions,
} from './machine.ts'
import type { Command } from './private-world.ts'

/** Where a daemon listens when nothing else is said. */
export const WEFT_SOCKET = '/run/weft/weft.sock'

/** Which client a user types: ours, or the stock one. */
export type Client = 'weft' | 'docker'

const PID_FILE = '/run/weftd.pid'
/** The shell becomes the daemon, so that the number stays right. */
const START = `echo $$ >${PID_FILE}; exec weftd "$@"`
const READY_WITHIN_MS = 60_000
/** Characters of a daemon's log in an error. */
const LOG_SHOWN = 4_000

/**
 * One daemon on one machine: started, killed and started again. Invariant: at most one of them
 * runs, and none when the machine is gone.
 */
export class WeftHost implements AsyncDisposable {
  readonly machine: Machine
  readonly #flags: readonly string[]
  #daemon: MachineProcess | null = null
  #said: (() => string)[] = []

  constructor(machine: Machine, flags: readonly string[] = []) {
    this.machine = machine
    this.#flags = flags
  }

  get name(): string {
    return this.machine.name
  }

  /**
   * Start the daemon, with more flags and variables; resolves when it answers, with the ms that
   * took. Rejects with ERR_PROCESS_GONE, and its last words, when it ends instead.
   */
  async start(
    flags: readonly string[] = [],
    variables: Readonly<Record<string, string>> = {},
  ): Promise<number> {
    assert(this.#daemon === null, 'one daemon at a time')
    const environment = Object.entries(variables).map(([name, value]) => `${name}=${value}`)
    const shell = ['sh', '-c', START, 'weftd', ...this.#flags, ...flags]
    const began = performance.now()
    const daemon = startOn(this.machine, ['env', ...environment, ...shell])
    this.#daemon = daemon
    this.#said.push(collect(daemon.stdout), collect(daemon.stderr))
    daemon.once('close', () => {
      if (this.#daemon === daemon) this.#daemon = null
    })
    const what = `weftd on ${this.name}`
    await eventually(() => this.#answers(daemon), { withinMs: READY_WITHIN_MS, what })
    if (daemon === this.#daemon) return performance.now() - began
    const details = { operation: `start ${what}`, ending: this.log().slice(-LOG_SHOWN) }
    throw labError('ERR_PROCESS_GONE', 'the daemon has ended', details)
  }

  /** End the daemon and wait for it; networks go on forwarding. Resolves to its exit code. */
  async stop(signal: 'TERM' | 'KILL' = 'TERM'): Promise<number | null> {
    const daemon = this.#daemon
    if (daemon === null) return null
    const ended = once(daemon, 'close') as Promise<[number | null]>
    await runOn(this.machine, ['sh', '-c', `kill -${signal} $(cat ${PID_FILE})`])
    const [code] = await ended
    return code
  }

  /** The daemon's process ID, as the machine sees it; null when none runs. */
  async pid(): Promise<number | null> {
    if (this.#daemon === null) return null
    return Number(await runOn(this.machine, ['cat', PID_FILE]))
  }

  /** Run a client; resolves to what it printed. Rejects with ERR_COMMAND unless it ends with 0. */
  run(client: Client, words: readonly string[], options?: RunOptions): Promise<string> {
    return runOn(this.machine, clientCommand(client, words), options)
  }

  /** Run a client to whatever end. */
  try(client: Client, words: readonly string[], options?: RunOptions): Promise<Finished> {
    return tryOn(this.machine, clientCommand(client, words), options)
  }

  /** `weft …`. */
  weft(...words: readonly string[]): Promise<string> {
    return this.run('weft', words)
  }

  /** All that its daemons have said. */
  log(): string {
    return this.#said.map((text) => text()).join('')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('KILL')
  }

  /** Nothing to wait for when it has ended. */
  async #answers(daemon: MachineProcess): Promise<void> {
    if (daemon === this.#daemon) await runOn(this.machine, ANSWERS)
  }
}

const ASK = `
my $s = IO::Socket::UNIX->new(Peer => shift) or die "nobody listens";
print $s "GET /_ping HTTP/1.0\\r\\nHost: weft\\r\\n\\r\\n";
<$s> =~ / 200 / or die "no answer";
`
/** Whether somebody listens, told sooner than a Node starts. */
const ANSWERS: Command = ['perl', '-MIO::Socket::UNIX', '-e', ASK, WEFT_SOCKET]

function clientCommand(client: Client, words: readonly string[]): Command {
  if (client === 'weft') return ['weft', ...words]
  return [DOCKER_PROGRAMS.docker, '--host', `unix://${WEFT_SOCKET}`, ...words]
}
