/** Which runs of a sender get a state: those that were seen, until room is needed. */
import { parseIp } from '@weft/core'
import { NetworkKey } from '@weft/encryption'
import type { XfrmState } from '@weft/linux'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isOfRun, PLAIN_MARK, RUN_SLOTS_MAX, stateKey } from '../src/run-states.ts'
import { CANDIDATES_MAX, PAST_RUNS_MAX, SenderRuns, type Opening } from '../src/sender-runs.ts'
import { heldState } from './held-state.ts'

const SPI = 0x8123_4567

const key = (fill: number): NetworkKey =>
  new NetworkKey({ lamportTime: 1n, bytes: new Uint8Array(16).fill(fill) })

const opening = (fill = 1, spi = SPI): Opening => ({
  source: parseIp('192.0.2.2'),
  destination: parseIp('192.0.2.1'),
  spi,
  mark: PLAIN_MARK,
  key: key(fill),
})

/** A kernel that does what it is told, and counts what a sender sends. */
class Ipsec {
  readonly runs = new SenderRuns()
  readonly #states = new Map<string, XfrmState>()
  #seen: [number, number][] = []
  openings = [opening()]
  /** Packets of runs that are over. */
  late = 0
  removed = 0

  send(vector: number, forged = 0): void {
    const isPast = this.runs.past.some(([, past]) => past === vector)
    const run = this.runs.current.find(({ name }) => name[1] === vector)
    if (isPast) this.late++
    else if (run === undefined) this.#seen.push([SPI, vector])
    else {
      const mark = { value: run.mark, mask: PLAIN_MARK.mask }
      const name = stateKey({ ...opening(), mark })
      const state = this.#states.get(name)
      if (state === undefined) throw new Error(`a mark leads to a state: ${name}`)
      const packets = state.packets + (forged > 0 ? 0 : 1)
      this.#states.set(name, { ...state, packets, forged: state.forged + forged })
    }
  }

  look(): void {
    const states = [...this.#states.values()]
    const { create, remove } = this.runs.look(this.openings, { states, seen: this.#seen })
    this.#seen = []
    for (const state of create) {
      if (this.#states.has(stateKey(state))) throw new Error('a state is made once')
      this.#states.set(stateKey(state), stateOf(state))
    }
    for (const state of remove) {
      this.removed++
      this.#states.delete(stateKey(state))
    }
  }

  /** Somebody removes all states. */
  flush(): void {
    this.#states.clear()
  }

  get marks(): number[] {
    return this.runs.current.map(({ mark }) => mark)
  }
}

function stateOf({ key: _, ...ref }: Opening): XfrmState {
  const aead = { name: 'rfc4106(gcm(aes))', key: new Uint8Array(20), icvBits: 64 }
  return heldState({ ...ref, aead, reqid: 1, replayWindow: 1024 })
}

describe('a run', () => {
  test('gets a state when it was seen, and keeps it however quiet it is', () => {
    const ipsec = new Ipsec()
    ipsec.send(7)
    ipsec.look()
    expect(ipsec.runs.current).toEqual([{ name: [SPI, 7], mark: 0x1000_0000 }])
    for (let i = 0; i < 100; i++) ipsec.look()
    ipsec.send(7)
    ipsec.look()
    expect(ipsec.runs.current).toHaveLength(1)
    expect(ipsec.removed).toBe(0)
  })

  test('without a mask in its vectors looks like any other, and gets none', () => {
    const ipsec = new Ipsec()
    ipsec.send(0)
    ipsec.look()
    expect(ipsec.runs.current).toEqual([])
  })

  test('of which only forged packets come is forgotten, but not when it was proven', () => {
    const ipsec = new Ipsec()
    ipsec.send(7)
    ipsec.look()
    ipsec.send(7, 1)
    ipsec.look()
    expect(ipsec.runs.current).toEqual([])
    ipsec.send(8)
    ipsec.look()
    ipsec.send(8)
    ipsec.send(8, 5)
    ipsec.look()
    ipsec.look()
    expect(ipsec.runs.current).toHaveLength(1)
  })

  test('whose state somebody removed is found anew', () => {
    const ipsec = new Ipsec()
    ipsec.send(7)
    ipsec.look()
    ipsec.flush()
    ipsec.look()
    expect(ipsec.runs.current).toEqual([])
    ipsec.send(7)
    ipsec.look()
    expect(ipsec.runs.current).toHaveLength(1)
  })

  test('whose state cannot be made is as if it had not been seen', () => {
    const runs = new SenderRuns()
    const { create } = runs.look([opening()], { states: [], seen: [[SPI, 7]] })
    for (const one of create) runs.undo(one)
    expect(create).toHaveLength(1)
    expect(runs.current).toEqual([])
  })
})

describe('of many runs', () => {
  test(`${CANDIDATES_MAX} that are not proven have a state at a time, the newest`, () => {
    const ipsec = new Ipsec()
    for (let vector = 1; vector <= CANDIDATES_MAX + 2; vector++) ipsec.send(vector)
    ipsec.look()
    expect(ipsec.runs.current).toHaveLength(CANDIDATES_MAX)
    ipsec.send(99)
    ipsec.look()
    expect(ipsec.runs.current.map(({ name }) => name[1])).toContain(99)
    expect(ipsec.runs.current).toHaveLength(CANDIDATES_MAX)
    expect(ipsec.runs.past).toEqual([])
  })

  test(`${RUN_SLOTS_MAX} have a state; then the quietest is over, and opened no more`, () => {
    const ipsec = new Ipsec()
    for (let vector = 1; vector <= RUN_SLOTS_MAX + 1; vector++) {
      for (let i = 0; i < 3; i++) {
        ipsec.send(vector)
        ipsec.look()
        // The first stays in use.
        ipsec.send(1)
        ipsec.look()
      }
    }
    expect(ipsec.runs.past).toEqual([[SPI, 2]])
    ipsec.send(2)
    ipsec.look()
    expect(ipsec.late).toBe(1)
    expect(ipsec.runs.current.map(({ name }) => name[1])).not.toContain(2)
  })

  test(`${PAST_RUNS_MAX} that are over are remembered`, () => {
    const ipsec = new Ipsec()
    for (let vector = 1; vector <= RUN_SLOTS_MAX + PAST_RUNS_MAX + 5; vector++) {
      for (let i = 0; i < 3; i++) {
        ipsec.send(vector)
        ipsec.look()
      }
    }
    expect(ipsec.runs.past).toHaveLength(PAST_RUNS_MAX)
    expect(ipsec.runs.past[0]).toEqual([SPI, 6])
  })
})

test('other bytes under an SPI are another sender; a key that is retired takes all along', () => {
  const ipsec = new Ipsec()
  ipsec.send(7)
  ipsec.look()
  ipsec.openings = [opening(1)]
  ipsec.look()
  expect(ipsec.runs.current).toHaveLength(1)
  ipsec.openings = [opening(2)]
  ipsec.look()
  expect(ipsec.runs.current).toEqual([])
  expect(ipsec.removed).toBe(1)
  ipsec.send(8)
  ipsec.look()
  ipsec.openings = []
  ipsec.look()
  expect([ipsec.runs.current, ipsec.removed]).toEqual([[], 2])
})

test('what a predecessor made is removed before its slot is used', () => {
  const runs = new SenderRuns()
  const left = stateOf({ ...opening(), mark: { value: 0x1000_0000, mask: PLAIN_MARK.mask } })
  const { create, remove } = runs.look([opening()], { states: [left], seen: [[SPI, 7]] })
  expect(remove).toEqual([left])
  expect(create.map(({ mark }) => mark?.value)).toEqual([0x2000_0000])
})

test('law: marks lead to states, slots are not shared, who goes on is never over', () => {
  const act = fc.oneof(
    { weight: 4, arbitrary: fc.record({ send: fc.integer({ min: 0, max: 12 }) }) },
    { weight: 1, arbitrary: fc.record({ forge: fc.integer({ min: 1, max: 12 }) }) },
    { weight: 3, arbitrary: fc.constant('look' as const) },
    { weight: 1, arbitrary: fc.constant('flush' as const) },
  )
  fc.assert(
    fc.property(fc.array(act, { maxLength: 200 }), (acts) => {
      const ipsec = new Ipsec()
      for (const one of acts) {
        if (one === 'look') {
          ipsec.send(100)
          ipsec.look()
        } else if (one === 'flush') {
          ipsec.flush()
          ipsec.look()
        } else if ('send' in one) ipsec.send(one.send)
        else ipsec.send(one.forge, 1)
        expect(new Set(ipsec.marks).size).toBe(ipsec.marks.length)
        expect(ipsec.marks.every((value) => isOfRun({ mark: { ...PLAIN_MARK, value } }))).toBe(true)
        expect(ipsec.runs.past.map(([, vector]) => vector)).not.toContain(100)
      }
    }),
  )
})
