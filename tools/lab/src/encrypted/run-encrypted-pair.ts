/**
 * Two hosts with one encrypted network between them, and what goes wrong meanwhile, whichever
 * backend each has and wherever it is. Knows no test runner.
 */
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../eventually.ts'
import type { EncryptedHost, Foul, PairKey, StreamTally } from './encrypted-host.ts'

/** A host, and whether its forwarding outlives the process. */
export interface PairEnd {
  readonly host: EncryptedHost
  readonly backend: 'kernel' | 'userspace'
}

/** How a pair is run. An emulated machine needs more time. */
export interface PairPace {
  /** Long enough for anything that comes, in milliseconds. */
  readonly soonMs: number
  /** Long enough to believe that nothing comes. */
  readonly neverMs: number
  /** Between datagrams of a stream. */
  readonly everyMs: number
}

/** For hosts of this machine. */
export const LOCAL_PACE: PairPace = { soonMs: 8_000, neverMs: 400, everyMs: 2 }
/** Where a host is emulated. */
export const GUEST_PACE: PairPace = { soonMs: 60_000, neverMs: 1_500, everyMs: 10 }

const TRANSFER_BYTES = 200_000
const POLL_MS = 50
const FOULS = ['clear', 'replayed', 'forged', 'truncated'] as const
/** Datagrams before and after each change of keys. */
const SOME_DATAGRAMS = 40

/** What a backend counts it as. */
type Reasons = Readonly<Record<Foul, readonly string[]>>

const REPLAYED = ['datagram-replayed', 'datagram-late']

/** Reasons to refuse. The kernel throws away what is too short before IPsec sees it. */
const REASONS: { readonly [backend in PairEnd['backend']]: Reasons } = {
  kernel: {
    clear: ['datagram-not-sealed'],
    replayed: REPLAYED,
    forged: ['datagram-bad-icv'],
    truncated: ['datagram-bad-icv'],
  },
  userspace: {
    clear: ['datagram-not-sealed'],
    replayed: REPLAYED,
    forged: ['datagram-bad-icv'],
    truncated: ['datagram-bad-icv', 'datagram-short'],
  },
}

/** The keys that are left after two rotations. */
const LAST_KEYS = keysOf(9, 10, 11)

/** One run. Invariant: between checks nobody sends. */
class PairRun {
  readonly #ends: readonly [PairEnd, PairEnd]
  readonly #pace: PairPace
  readonly #held: (what: string) => void

  constructor(
    ends: readonly [PairEnd, PairEnd],
    pace: PairPace,
    held: (what: string) => void,
  ) {
    this.#ends = ends
    this.#pace = pace
    this.#held = held
  }

  async run(): Promise<void> {
    await this.#each(({ host }) => host.open())
    await this.#check('no network without a key', () => this.#refusal())
    await this.#check('datagrams and TCP pass, sealed', () => this.#setUp())
    await this.#check('two changes of keys under traffic lose nothing', () => this.#rotation())
    for (const [i, { backend }] of this.#ends.entries()) {
      const name = `host ${i + 1} (${backend})`
      if (backend === 'kernel') {
        await this.#check(`${name}: IPsec that was flushed is put right`, () => this.#flush(i))
      }
      await this.#check(`${name}: a successor goes on`, () => this.#restart(i))
    }
    await this.#check('nothing was to be read on the wire', () => this.#hidden())
    for (const [to, { backend }] of this.#ends.entries()) {
      for (const kind of FOULS) {
        const what = `host ${to + 1} (${backend}): what is ${kind} is refused and counted`
        await this.#check(what, () => this.#foul(kind, to))
      }
    }
    await this.#check('who has another key is not heard', () => this.#wrongKey())
    await this.#check('all of it goes', () => this.#tearDown())
  }

  /** Without a key there is no network, and not a device of it. */
  async #refusal(): Promise<void> {
    await this.#each(async ({ host }) => {
      const failures = await host.apply([])
      assert.ok(failures.includes('networks/blue ERR_INVALID_ITEM'), failures.join())
      assert.deepEqual(await host.remains(), [])
    })
  }

  async #setUp(): Promise<void> {
    await this.#apply(keysOf(7, 8, 9))
    for (const from of [0, 1]) {
      assert.ok(await this.#passes(from), `datagrams of host ${from + 1}`)
      const [sent, received] = await this.#host(from).transfer(TRANSFER_BYTES)
      assert.equal(received, sent, `a transfer of host ${from + 1}`)
    }
    await this.#each(async ({ host }) => {
      const { sealed } = await host.wire()
      assert.ok(sealed > TRANSFER_BYTES / 1500, `${sealed} packets of ESP`)
      assert.equal(await host.changesAgain(), 0, 'the same again changes nothing')
    })
  }

  /** Each side at another time, with datagrams in both directions. */
  async #rotation(): Promise<void> {
    await this.#each(({ host }) => host.restream())
    await this.#each(({ host }) => host.pump(this.#pace.everyMs))
    for (const keys of [keysOf(8, 9, 10), LAST_KEYS]) {
      for (const { host } of this.#ends) {
        await this.#some()
        assert.deepEqual(await host.apply(keys), [])
      }
    }
    await this.#some()
    await this.#each(({ host }) => host.pump(null))
    await this.#until('every datagram arrives', async () => {
      const [one, two] = await this.#streams()
      return one.sent === two.arrived && two.sent === one.arrived
    })
    const items = await this.#host(0).items()
    assert.equal(items['associations/192.0.2.2'], 'seals 10 opens 10 11 9')
  }

  /** Somebody takes all of it: dark, told, and put right. */
  async #flush(i: number): Promise<void> {
    const host = this.#host(i)
    await host.drifted()
    await host.flush()
    await this.#until('it is told', async () => {
      return (await host.drifted()).includes(`associations/192.0.2.${2 - i}`)
    })
    assert.ok(await this.#passes(i), 'put right')
  }

  /** The kernel goes on by itself; a switch stops with its process. */
  async #restart(i: number): Promise<void> {
    const { backend, host } = this.#end(i)
    await host.close('detach')
    if (backend === 'kernel') {
      for (const from of [0, 1]) assert.ok(await this.#passes(from), 'forwarding outlives us')
    }
    await host.open()
    assert.deepEqual(await host.apply(LAST_KEYS), [])
    for (const from of [0, 1]) assert.ok(await this.#passes(from), 'the successor forwards')
  }

  async #hidden(): Promise<void> {
    await this.#each(async ({ host }) => {
      const { clear, missed, readable } = await host.wire()
      assert.deepEqual({ clear, missed, readable }, { clear: 0, missed: 0, readable: 0 })
    })
  }

  /** The kernel's windows begin up to a second after a sender does: then it is tried again. */
  async #foul(kind: Foul, to: number): Promise<void> {
    if (kind !== 'replayed' || this.#end(to).backend !== 'kernel') {
      assert.ok(await this.#isRefused(kind, to), 'it goes no further')
      return
    }
    await this.#until('it is refused', () => this.#isRefused(kind, to))
  }

  /** False when it was let in. */
  async #isRefused(kind: Foul, to: number): Promise<boolean> {
    const [sender, receiver] = [this.#host(1 - to), this.#host(to)]
    assert.ok(await this.#passes(1 - to), 'something to be repeated')
    await this.#until('the last one is there', async () => {
      return (await sender.stream()).sent === (await receiver.stream()).youngest
    })
    const came = async (): Promise<number> => {
      const { arrived, repeated } = await receiver.stream()
      return arrived + repeated
    }
    const [before, cameBefore] = [await receiver.dropped(), await came()]
    const isCounted = async (): Promise<boolean> =>
      hasGrown(before, await receiver.dropped(), REASONS[this.#end(to).backend][kind])
    await sender.foul(kind)
    await this.#until('it is counted or let in', async () => {
      return (await isCounted()) || (await came()) > cameBefore
    })
    return (await came()) === cameBefore
  }

  async #wrongKey(): Promise<void> {
    const wrong = LAST_KEYS.map((key) => ({ ...key, isWrong: true }))
    await this.#succeed(0, wrong)
    const before = await this.#host(1).dropped()
    assert.equal(await this.#passes(0, this.#pace.neverMs), false)
    const after = await this.#host(1).dropped()
    assert.ok(hasGrown(before, after, ['datagram-bad-icv']), 'counted')
    await this.#succeed(0, LAST_KEYS)
    assert.ok(await this.#passes(0), 'with the right one it is')
  }

  async #tearDown(): Promise<void> {
    await this.#each(async ({ host }) => {
      await host.close('teardown')
      assert.deepEqual(await host.remains(), [])
    })
  }

  async #succeed(i: number, keys: readonly PairKey[]): Promise<void> {
    await this.#host(i).close('teardown')
    await this.#host(i).open()
    assert.deepEqual(await this.#host(i).apply(keys), [])
  }

  async #apply(keys: readonly PairKey[]): Promise<void> {
    await this.#each(async ({ host }) => assert.deepEqual(await host.apply(keys), []))
  }

  /** A datagram that is sent from now on arrives in time. */
  async #passes(from: number, withinMs = this.#pace.soonMs): Promise<boolean> {
    const [sender, receiver] = [this.#host(from), this.#host(1 - from)]
    const { arrived } = await receiver.stream()
    await sender.pump(this.#pace.everyMs)
    try {
      const end = performance.now() + withinMs
      while (performance.now() < end) {
        await delay(POLL_MS)
        if ((await receiver.stream()).arrived > arrived) return true
      }
      return false
    } finally {
      await sender.pump(null)
    }
  }

  /** Some more datagrams are sent by both. */
  async #some(): Promise<void> {
    const before = await this.#streams()
    await this.#until('datagrams are sent', async () => {
      const now = await this.#streams()
      return now.every(({ sent }, i) => sent >= (before[i]?.sent ?? 0) + SOME_DATAGRAMS)
    })
  }

  #streams(): Promise<[StreamTally, StreamTally]> {
    return Promise.all([this.#host(0).stream(), this.#host(1).stream()])
  }

  async #until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    await eventually(async () => assert.ok(await isSo(), what), { withinMs: this.#pace.soonMs })
  }

  async #each(body: (end: PairEnd) => Promise<unknown>): Promise<void> {
    for (const end of this.#ends) await body(end)
  }

  async #check(what: string, body: () => Promise<void>): Promise<void> {
    try {
      await body()
    } catch (error) {
      throw new Error(`does not hold: ${what}`, { cause: error })
    }
    this.#held(what)
  }

  #end(i: number): PairEnd {
    const end = this.#ends[i]
    assert.ok(end !== undefined, 'there are two')
    return end
  }

  #host(i: number): EncryptedHost {
    return this.#end(i).host
  }
}

function hasGrown(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
  reasons: readonly string[],
): boolean {
  return reasons.some((reason) => (after[reason] ?? 0) > (before[reason] ?? 0))
}

function keysOf(...times: readonly number[]): readonly PairKey[] {
  return times.map((time) => ({ time }))
}

/**
 * Take two connected hosts through all that an encrypted network must survive, and say what held as
 * it does. Rejects with what did not. The hosts have nothing afterwards, and remain.
 */
export function runEncryptedPair(
  ends: readonly [PairEnd, PairEnd],
  pace: PairPace,
  held: (what: string) => void,
): Promise<void> {
  return new PairRun(ends, pace, held).run()
}
