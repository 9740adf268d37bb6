/** Where one peer runs: a host at each end, a directory for its files, its daemons. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Ip } from '@weft/core'
import { atExit, eventually } from '@weft/lab'
import { ipBatch, run, type Words } from '../commands.ts'
import type { BenchHost, TwoHosts } from '../two-hosts.ts'

/** One end. */
export interface PeerSide {
  readonly name: 'a' | 'b'
  readonly namespace: string
  readonly underlay: Ip
  /** The name that its interface is to have: other than at the other end. */
  readonly device: string
  /** The address that its interface is to have. */
  readonly address: string
}

/** Bits of the prefix that both addresses are in. */
export const PEER_PREFIX_BITS = 24

const STARTED_WITHIN_MS = 10_000
const WORDS_KEPT_CHARACTERS = 2_000

interface Daemon {
  readonly child: ChildProcess
  readonly guard: Disposable
}

/** Invariant: disposing ends every daemon and removes every file. */
export class PeerPlace implements AsyncDisposable {
  /** For keys and settings. */
  readonly directory = mkdtempSync(join(tmpdir(), 'weft-bench-'))
  readonly a: PeerSide
  readonly b: PeerSide
  readonly #daemons: Daemon[] = []
  #words = ''

  /** `number` tells the peers on two hosts apart, 0 to 9. */
  constructor(hosts: TwoHosts, number: number) {
    const side = (name: 'a' | 'b', host: BenchHost, n: number): PeerSide => ({
      name,
      namespace: host.netns.name,
      underlay: host.tunnel.ip,
      device: `peer${number}-${name}`,
      address: `10.9${number}.0.${n}`,
    })
    this.a = side('a', hosts.a, 1)
    this.b = side('b', hosts.b, 2)
  }

  /** Both ends, each with the one opposite. */
  get sides(): readonly (readonly [PeerSide, PeerSide])[] {
    return [
      [this.a, this.b],
      [this.b, this.a],
    ]
  }

  /** Ids of all daemons. */
  get pids(): readonly number[] {
    return this.#daemons.flatMap(({ child }) => child.pid ?? [])
  }

  /** Run a program that stays, on one host. */
  daemon({ namespace }: PeerSide, words: Words): void {
    const all = ['netns', 'exec', namespace, ...words]
    const child = spawn('ip', all, { stdio: ['ignore', 'pipe', 'pipe'] })
    const hear = (text: string): void => {
      this.#words = (this.#words + text).slice(-WORDS_KEPT_CHARACTERS)
    }
    child.stdout.setEncoding('utf8').on('data', hear)
    child.stderr.setEncoding('utf8').on('data', hear)
    child.on('error', (error) => hear(error.message))
    this.#daemons.push({ child, guard: atExit(() => void child.kill('SIGKILL')) })
  }

  /** For peers that leave it to others: wait for the interface, and give it its address. */
  async setAddress({ address, device, namespace }: PeerSide, mtuBytes: number): Promise<void> {
    const look = ['-n', namespace, 'link', 'show', device]
    await this.#eventually('interface', () => run(['ip', ...look]))
    ipBatch(namespace, [
      `addr add ${address}/${PEER_PREFIX_BITS} dev ${device}`,
      `link set ${device} mtu ${mtuBytes} up`,
    ])
  }

  /** Resolves when one end hears the other through the tunnel. */
  async awaitAnswer(): Promise<void> {
    const inside = ['netns', 'exec', this.a.namespace]
    const ping = ['ping', '-n', '-q', '-c', '1', '-W', '0.2', this.b.address]
    await this.#eventually('answer', () => run(['ip', ...inside, ...ping]))
  }

  async #eventually(what: string, check: () => void): Promise<void> {
    try {
      await eventually(check, { withinMs: STARTED_WITHIN_MS, what })
    } catch (error) {
      throw new Error(`no ${what}: ${this.#words.trim()}`, { cause: error })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { child, guard } of this.#daemons) {
      guard[Symbol.dispose]()
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) continue
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    }
    rmSync(this.directory, { recursive: true })
  }
}
