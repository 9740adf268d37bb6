/** A host of the underlay with a file system view and processes of its own, as a machine. */
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { assert, type Ip } from '@weft/core'
import { atExit } from './at-exit.ts'
import { labError } from './lab-errors.ts'
import { REPOSITORY, writePrograms } from './lab-programs.ts'
import { collect, type Machine } from './machine.ts'
import type { Command } from './private-world.ts'
import type { LabHost } from './underlay.ts'

/** Empty, and in memory only: what differs between machines that share the rest. */
const FURNISH = `
mount -t tmpfs -o mode=755 weft-lab /run
mkdir /run/netns
mount -t tmpfs -o mode=755 weft-lab /var/lib
mkdir /var/lib/weft
mount -t sysfs weft-lab /sys
hostname "$1"
echo ready
exec sleep infinity
`

/** Compiled code of our programs, beside that of the other tools: the machine's own is not ours. */
const CACHE = join(REPOSITORY, 'node_modules/.cache/weft')

/**
 * A machine made of a lab host: its network, an empty /run and /var/lib, a host name, and `weft`
 * and `weftd` on the PATH. Needs root, or a private world. Processes are seen from everywhere.
 */
export class NamespaceMachine implements Machine, AsyncDisposable {
  readonly name: string
  readonly ip: Ip
  readonly host: LabHost
  readonly #holder: ChildProcess
  readonly #programs: string
  readonly #path: string
  readonly #guard: Disposable
  #open = true

  private constructor(host: LabHost) {
    this.host = host
    this.name = host.name
    this.ip = host.ips[4]
    this.#programs = mkdtempSync(join(tmpdir(), 'weft-machine-'))
    this.#path = writePrograms(this.#programs, { cache: CACHE })
    const enter = ['nsenter', `--net=${host.netns.path}`, '--', 'unshare', '--mount', '--uts']
    const shell = ['--propagation', 'private', '--', 'sh', '-euc', FURNISH, 'sh', host.name]
    const words = ['--pdeathsig', 'KILL', '--', ...enter, ...shell]
    this.#holder = spawn('setpriv', words, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#guard = atExit(() => this.#kill())
  }

  /** Make a machine of a host. Rejects with ERR_PROCESS_GONE and the shell's words. */
  static async open(host: LabHost): Promise<NamespaceMachine> {
    const machine = new NamespaceMachine(host)
    await machine.#ready()
    return machine
  }

  command(command: Command): Command {
    const enter = ['--target', String(this.pid), '--mount', '--net', '--uts', '--wd=/', '--']
    return ['nsenter', ...enter, 'env', `PATH=${this.#path}`, ...command]
  }

  /** A process that is there as long as the machine is. */
  get pid(): number {
    const { pid } = this.#holder
    assert(pid !== undefined, 'a holder that said that it is ready was started')
    return pid
  }

  /** Where a file of the machine is found from outside. */
  path(inside: string): string {
    return join(`/proc/${this.pid}/root`, inside)
  }

  /** End all its processes and let go of its files. Idempotent; the host stays. */
  async close(): Promise<void> {
    if (!this.#open) return
    const ended = once(this.#holder, 'close')
    this.#kill()
    await ended
    this.#guard[Symbol.dispose]()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #ready(): Promise<void> {
    const { stderr, stdout } = this.#holder
    assert(stderr !== null && stdout !== null, 'both were asked for')
    const said = collect(stderr)
    const ended = new Promise<false>((resolve) => this.#holder.once('close', () => resolve(false)))
    const began = new Promise<true>((resolve) => stdout.once('data', () => resolve(true)))
    if (await Promise.race([began, ended])) return
    this.#open = false
    this.#guard[Symbol.dispose]()
    rmSync(this.#programs, { recursive: true, force: true })
    const details = { operation: `make a machine of ${this.name}`, ending: said() }
    throw labError('ERR_PROCESS_GONE', 'the machine could not be made', details)
  }

  /** Synchronous, for the end of this process: everybody who sees the machine's files. */
  #kill(): void {
    this.#open = false
    rmSync(this.#programs, { recursive: true, force: true })
    const mine = mountNamespace(this.pid)
    // What starts while we look is found the next time; its parent is gone by then.
    for (let found = 1; mine !== null && found > 0;) {
      const pids = processes().filter((pid) => mountNamespace(pid) === mine && pid !== this.pid)
      for (const pid of pids) killAtOnce(pid)
      found = pids.filter((pid) => mountNamespace(pid) === mine).length
    }
    this.#holder.kill('SIGKILL')
  }
}

function processes(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

/** What tells mount namespaces apart; null for a process that is gone, or about to be. */
function mountNamespace(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`)
  } catch {
    return null
  }
}

function killAtOnce(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It was quicker.
  }
}
