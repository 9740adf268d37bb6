/** A machine with a kernel of its own, emulated: functions are called there, nothing is timed. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { assert, type Mac } from '@weft/core'
import { atExit } from './at-exit.ts'
import { reviveError } from './error-record.ts'
import { GUEST_PORT, type GuestCall, type GuestWord } from './guest-calls.ts'
import { writeGuestImage, type GuestImageOptions } from './guest-image.ts'
import { labError } from './lab-errors.ts'
import { QEMU_PROGRAMS } from './qemu-tier.ts'

/** Its network card. */
export interface GuestCard {
  /** Where the other end appears: a TAP of this name, in this network namespace. */
  readonly namespace: string
  readonly ifname: string
  readonly mac: Mac
}

/** A guest to be. */
export interface GuestOptions extends GuestImageOptions {
  readonly card?: GuestCard
}

/** What can be called there. */
export interface GuestFunction {
  /** Below `node_modules`, such as `@weft/lab/src/index.js`. */
  readonly module: string
  readonly name: string
  /** How long it may take; GUEST_CALL_MS when left out. */
  readonly withinMs?: number
}

/** How long it may take, in milliseconds, on a machine that does other things too. */
export const GUEST_BOOT_MS = 120_000
/** The same of a call. */
export const GUEST_CALL_MS = 120_000

/** Characters of the console's end that go into errors. */
export const CONSOLE_KEPT_CHARACTERS = 8_000

const MEMORY_MB = 1_200

interface Waiting {
  readonly operation: string
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

/**
 * A guest of QEMU without hardware support. Invariant: every call gets its answer, or rejects with
 * what the guest's function threw, or with ERR_PROCESS_GONE and the console's last words.
 */
export class Guest implements AsyncDisposable {
  readonly #qemu: ChildProcess
  readonly #folder: string
  readonly #guard: Disposable
  readonly #waiting = new Map<number, Waiting>()
  readonly #closed: Promise<void>
  #calls = 0
  #release = ''
  #stderr = ''
  #isOpen = true

  private constructor(options: GuestOptions) {
    this.#folder = mkdtempSync(join(tmpdir(), 'weft-guest-'))
    const remove = (): void => rmSync(this.#folder, { recursive: true, force: true })
    this.#guard = atExit(remove)
    const image = join(this.#folder, 'image')
    writeGuestImage(image, options)
    const words = ['--pdeathsig', 'KILL', '--', ...enter(options.card), ...this.#words(options)]
    this.#qemu = spawn('setpriv', words, { stdio: ['pipe', 'pipe', 'pipe'] })
    const { stderr, stdin, stdout } = this.#qemu
    assert(stdin !== null && stdout !== null && stderr !== null, 'all three were asked for')
    stdin.on('error', () => undefined)
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-CONSOLE_KEPT_CHARACTERS)
    })
    createInterface({ input: stdout }).on('line', (line) => this.#hear(line))
    this.#closed = new Promise((resolve) => {
      this.#qemu.once('error', ({ message }) => this.#end(message))
      this.#qemu.once('close', (code, signal) => {
        this.#end(`QEMU has ended (${signal ?? code})`)
        resolve()
      })
    })
  }

  /** Start a guest; resolves when it takes calls. Rejects with ERR_PROCESS_GONE. */
  static async open(options: GuestOptions): Promise<Guest> {
    const guest = new Guest(options)
    try {
      guest.#release = (await guest.#outcome(0, 'boot', GUEST_BOOT_MS)) as string
      return guest
    } catch (error) {
      await guest.close()
      throw error
    }
  }

  /** Of the kernel that it runs. */
  get release(): string {
    return this.#release
  }

  /** Call a function there, with plain data. Rejects with what it throws, or ERR_PROCESS_GONE. */
  call(target: GuestFunction, ...args: readonly unknown[]): Promise<unknown> {
    const { module, name, withinMs = GUEST_CALL_MS } = target
    const call: GuestCall = { id: ++this.#calls, module, name, args }
    const outcome = this.#outcome(call.id, name, withinMs)
    this.#qemu.stdin?.write(`${JSON.stringify(call)}\n`)
    return outcome
  }

  /** What its kernel and its programs have said, up to now. */
  console(): string {
    try {
      return readFileSync(this.#consolePath, 'utf8').replaceAll('\r', '')
    } catch {
      return ''
    }
  }

  /** Switch it off. Idempotent. */
  async close(): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#qemu.kill('SIGKILL')
    await this.#closed
    rmSync(this.#folder, { recursive: true, force: true })
    this.#guard[Symbol.dispose]()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  get #consolePath(): string {
    return join(this.#folder, 'console')
  }

  #words({ card, kernel }: GuestOptions): string[] {
    return [
      ...[QEMU_PROGRAMS.qemu, '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
      // Hardware support would be quicker where it works; it hangs where it half works.
      ...['-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', String(MEMORY_MB)],
      ...['-kernel', kernel.image, '-initrd', join(this.#folder, 'image')],
      ...['-append', 'console=ttyS0 quiet panic=-1 no_timer_check'],
      ...['-serial', `file:${this.#consolePath}`],
      ...['-chardev', 'stdio,id=calls,signal=off', '-device', 'virtio-serial-pci'],
      ...['-device', `virtserialport,chardev=calls,name=${GUEST_PORT}`],
      ...(card === undefined ? [] : cardWords(card)),
    ]
  }

  #outcome(id: number, operation: string, withinMs: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id)
        reject(this.#gone(operation, `no answer within ${withinMs} ms`))
      }, withinMs)
      const settled = <Value>(settle: (value: Value) => void) => (value: Value): void => {
        clearTimeout(timer)
        this.#waiting.delete(id)
        settle(value)
      }
      this.#waiting.set(id, { operation, resolve: settled(resolve), reject: settled(reject) })
    })
  }

  #hear(line: string): void {
    const word = JSON.parse(line) as GuestWord
    if (word.kind === 'ready') this.#waiting.get(0)?.resolve(word.release)
    else if (word.kind === 'answer') this.#waiting.get(word.id)?.resolve(word.value)
    else this.#waiting.get(word.id)?.reject(reviveError(word.error))
  }

  #end(how: string): void {
    for (const { operation, reject } of this.#waiting.values()) reject(this.#gone(operation, how))
  }

  #gone(operation: string, how: string): Error {
    const said = `${this.#stderr}\n${this.console()}`.trim().slice(-CONSOLE_KEPT_CHARACTERS)
    const ending = said === '' ? how : `${how}; its console:\n${said}`
    return labError('ERR_PROCESS_GONE', 'the guest does not answer', { operation, ending })
  }
}

/** QEMU makes the TAP where it runs. */
function enter(card: GuestCard | undefined): string[] {
  return card === undefined ? [] : ['nsenter', `--net=${card.namespace}`, '--']
}

function cardWords({ ifname, mac }: GuestCard): string[] {
  return [
    ...['-netdev', `tap,id=card,ifname=${ifname},script=no,downscript=no`],
    ...['-device', `virtio-net-pci,netdev=card,mac=${mac},romfile=`],
  ]
}
