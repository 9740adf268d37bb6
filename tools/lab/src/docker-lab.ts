/** Real Docker engines, each on a host of its own: containers of an engine that the lab starts. */
import { assert, parseIp } from '@weft/core'
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atExit } from './at-exit.ts'
import { BUSYBOX_IMAGE, HOST_IMAGE, writeImages } from './docker-images.ts'
import { DOCKER_PROGRAMS, dockerTier } from './docker-tier.ts'
import { writeImpatientEngine } from './impatient-engine.ts'
import { eventually } from './eventually.ts'
import { labError } from './lab-errors.ts'
import { REPOSITORY, writePrograms, type ProgramOptions } from './lab-programs.ts'
import { collect, runOn, type Machine, type RunOptions } from './machine.ts'
import type { Command } from './private-world.ts'

/** Hosts in one lab. */
export const DOCKER_HOSTS_MAX = 16

/** The wire between hosts; far from what swarms hand out (10.0.0.0/8). */
const WIRE = {
  name: 'wire',
  subnet: '192.168.240.0/24',
  prefix: '192.168.240.',
  first: 11,
} as const

/** Where engines in the lab listen, on their own hosts. */
const ENGINE_SOCKET = '/run/docker.sock'

const ENGINE_WITHIN_MS = 60_000

/** `--privileged` would ask for capabilities that root here may not have (CAP_SYS_RESOURCE). */
const CAPABILITIES = [
  ...['AUDIT_CONTROL', 'AUDIT_READ', 'AUDIT_WRITE', 'BLOCK_SUSPEND', 'CHOWN', 'DAC_OVERRIDE'],
  ...['DAC_READ_SEARCH', 'FOWNER', 'FSETID', 'IPC_LOCK', 'IPC_OWNER', 'KILL', 'LEASE'],
  ...['LINUX_IMMUTABLE', 'MAC_ADMIN', 'MAC_OVERRIDE', 'MKNOD', 'NET_ADMIN', 'NET_BIND_SERVICE'],
  ...['NET_BROADCAST', 'NET_RAW', 'SETFCAP', 'SETGID', 'SETPCAP', 'SETUID', 'SYSLOG', 'SYS_ADMIN'],
  ...['SYS_BOOT', 'SYS_CHROOT', 'SYS_MODULE', 'SYS_NICE', 'SYS_PACCT', 'SYS_PTRACE', 'SYS_RAWIO'],
  ...['SYS_TIME', 'SYS_TTY_CONFIG', 'WAKE_ALARM'],
]

/** The machine's programs, as they are. */
const READ_ONLY = ['/usr', '/lib', '/lib64', '/bin', '/sbin', '/etc/alternatives']

/** What may be other than as Docker ships it. */
export interface EngineOptions {
  /** How often a manager's keys for gossip and IPsec are replaced, in ms: 12 hours by default. */
  readonly keyRotationMs?: number
}

/** What may be other than usual. */
export type DockerLabOptions = Pick<ProgramOptions, 'built'>

/** A host with an engine. */
export interface EngineHost extends Machine {
  /** The command that runs the stock client there, for `startOn` and its like. */
  client(words: readonly string[]): Command
  /** Run the stock client on it; resolves to what it printed. Rejects with ERR_COMMAND. */
  docker(words: readonly string[], options?: RunOptions): Promise<string>
  /** End the engine and wait for its successor, which has the same state. */
  restartEngine(): Promise<void>
  /** The engine's process ID, as its host sees it. */
  pid(): Promise<number>
  /** The engine's own log. */
  log(): Promise<string>
}

/**
 * One engine in namespaces of its own, whose containers are hosts on one wire. Everything ends
 * with its first process: processes, mounts, devices and what was written. Invariant: after
 * `close`, and when this process ends, nothing of it is left.
 */
export class DockerLab implements AsyncDisposable {
  readonly #folder: string
  readonly #name: string
  readonly #path: string
  readonly #outer: ChildProcess
  readonly #ended: Promise<void>
  readonly #said: () => string
  readonly #guard: Disposable
  #hosts = 0
  #open = true

  private constructor(options: DockerLabOptions) {
    this.#folder = mkdtempSync(join(tmpdir(), 'weft-docker-'))
    this.#name = this.#folder.slice(this.#folder.lastIndexOf('/') + 1)
    this.#guard = atExit(() => this.#remove())
    const { iptables } = DOCKER_PROGRAMS
    this.#path = writePrograms(join(this.#folder, 'bin'), { ...options, iptables })
    mkdirSync(join(this.#folder, 'data'))
    this.#outer = this.#start()
    const { stderr, stdout } = this.#outer
    assert(stderr !== null && stdout !== null, 'both were asked for')
    this.#said = collect(stderr)
    stdout.resume()
    this.#ended = new Promise((resolve) => this.#outer.once('close', () => resolve()))
  }

  /** Start the outer engine and give it its images. Rejects with ERR_TIER_UNAVAILABLE. */
  static async open(options: DockerLabOptions = {}): Promise<DockerLab> {
    const tier = await dockerTier()
    if (!tier.usable) {
      const { missing } = tier
      throw labError('ERR_TIER_UNAVAILABLE', 'no engines to be had', { tier: 'docker', missing })
    }
    const lab = new DockerLab(options)
    try {
      await lab.#furnish()
      return lab
    } catch (error) {
      await lab.close()
      throw error
    }
  }

  /** One more host with an engine, which has the image `busybox`. */
  async addEngine(name: string, { keyRotationMs }: EngineOptions = {}): Promise<EngineHost> {
    const program =
      keyRotationMs === undefined
        ? DOCKER_PROGRAMS.dockerd
        : writeImpatientEngine(join(this.#folder, `dockerd-${name}`), keyRotationMs)
    const script = ['engine.sh', program, `/${this.#name}/${name}`]
    const host = this.#addHost(name, script, ['-v', '/var/lib/docker'])
    const client = (words: readonly string[]): Command => [
      DOCKER_PROGRAMS.docker,
      '--host',
      `unix://${ENGINE_SOCKET}`,
      ...words,
    ]
    const docker = (words: readonly string[], options: RunOptions = {}): Promise<string> =>
      runOn(host, client(words), options)
    const up = (): Promise<string> =>
      eventually(() => docker(['version', '--format', '{{.Server.Version}}']), {
        withinMs: ENGINE_WITHIN_MS,
        what: `an engine on ${name}`,
      })
    await up()
    const archive = join(this.#folder, 'busybox.tar')
    await docker(['import', '--change', 'CMD ["/bin/sh"]', archive, BUSYBOX_IMAGE])
    const restartEngine = async (): Promise<void> => {
      const script = 'p=$(cat /run/dockerd.pid); kill $p; while kill -0 $p; do sleep 0.1; done'
      await runOn(host, ['sh', '-c', `${script} 2>/dev/null`])
      await up()
    }
    const log = (): Promise<string> => runOn(host, ['cat', '/var/log/dockerd.log'])
    const pid = async (): Promise<number> => Number(await runOn(host, ['cat', '/run/dockerd.pid']))
    return { ...host, client, docker, restartEngine, pid, log }
  }

  /** One more host without an engine, which sees this repository. */
  addHost(name: string): Machine {
    return this.#addHost(name, ['host.sh'], ['-v', '/var/lib/weft'])
  }

  /** End everything at once. Idempotent. */
  async close(): Promise<void> {
    if (!this.#open) return
    this.#remove()
    await this.#ended
    // The kernel takes a moment to empty the cgroups of what was killed.
    const check = (): void => this.#removeTraces()
    await eventually(check, { withinMs: ENGINE_WITHIN_MS, what: 'cgroups of a closed lab' })
    this.#guard[Symbol.dispose]()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** It ends when this thread does, and all its processes with it. */
  #start(): ChildProcess {
    const stage = join(import.meta.dirname, '../docker/outer.sh')
    const unshare = ['unshare', '--mount', '--net', '--pid', '--fork', '--kill-child']
    const words = [...unshare, '--mount-proc', '--propagation', 'private', '--', stage]
    const all = ['--pdeathsig', 'KILL', '--', ...words, this.#folder, this.#name]
    return spawn('setpriv', all, { stdio: ['ignore', 'pipe', 'pipe'] })
  }

  async #furnish(): Promise<void> {
    const images = writeImages(this.#folder)
    const up = async (): Promise<void> => {
      if (this.#outer.exitCode !== null) throw this.#gone()
      this.#docker(['version'])
    }
    await eventually(up, { withinMs: ENGINE_WITHIN_MS, what: 'the outer engine' })
    this.#docker(['import', images.busybox, BUSYBOX_IMAGE])
    this.#docker(['import', images.host, HOST_IMAGE])
    this.#docker(['network', 'create', '--subnet', WIRE.subnet, WIRE.name])
  }

  #addHost(
    name: string,
    [script = '', ...args]: readonly string[],
    volumes: readonly string[],
  ): Machine {
    const number = this.#hosts
    if (number >= DOCKER_HOSTS_MAX) {
      throw labError('ERR_LAB_REQUEST', 'too many hosts', {
        problem: `one more than ${number}`,
        expected: `at most ${DOCKER_HOSTS_MAX}`,
      })
    }
    this.#hosts += 1
    const ip = `${WIRE.prefix}${WIRE.first + number}`
    const folders = [...READ_ONLY, REPOSITORY, this.#folder, join(import.meta.dirname, '../docker')]
    const words = ['run', '--detach', '--name', name, '--hostname', name]
    words.push('--network', WIRE.name, '--ip', ip, '--env', `PATH=${this.#path}`)
    words.push(...CAPABILITIES.flatMap((capability) => ['--cap-add', capability]))
    for (const what of ['seccomp', 'apparmor', 'systempaths']) {
      words.push('--security-opt', `${what}=unconfined`)
    }
    words.push('--cgroupns', 'host', '--device-cgroup-rule', 'a *:* rwm', ...volumes)
    words.push('-v', '/sys:/sys', '-v', '/sys/fs/cgroup:/sys/fs/cgroup')
    words.push(...[...new Set(folders)].flatMap((folder) => ['-v', `${folder}:${folder}:ro`]))
    words.push(HOST_IMAGE, join(import.meta.dirname, '../docker', script), ...args)
    this.#docker(words)
    return {
      name,
      ip: parseIp(ip),
      command: (command) => [...this.#client(), 'exec', '--interactive', name, ...command],
    }
  }

  #client(): Command {
    return [DOCKER_PROGRAMS.docker, '--host', `unix://${this.#folder}/docker.sock`]
  }

  /** Returns what the client printed; throws with what it said. */
  #docker(words: readonly string[]): string {
    const [program, ...first] = this.#client()
    const [encoding, stdio] = ['utf8' as const, 'pipe' as const]
    return execFileSync(program, [...first, ...words], { encoding, stdio }).trim()
  }

  #gone(): Error {
    const details = { operation: 'start the outer engine', ending: this.#said().slice(-4000) }
    return labError('ERR_PROCESS_GONE', 'the outer engine has ended', details)
  }

  /** Synchronous, for the end of this process: the rest is memory of namespaces that end. */
  #remove(): void {
    this.#open = false
    this.#outer.kill('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** Throws while there is something left that will go. */
  #removeTraces(): void {
    rmSync(this.#folder, { recursive: true, force: true })
    for (const tree of readdirSync('/sys/fs/cgroup', { withFileTypes: true })) {
      const folder = join('/sys/fs/cgroup', tree.name === this.#name ? '' : tree.name, this.#name)
      if (tree.isDirectory()) removeCgroups(folder)
    }
  }
}

/** A cgroup's folder holds only files of the kernel's, and must be empty of others. */
function removeCgroups(folder: string): void {
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.isDirectory()) removeCgroups(join(folder, entry.name))
    }
    rmdirSync(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
