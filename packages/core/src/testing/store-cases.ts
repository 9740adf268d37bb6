/** What every store promises, as cases for whoever implements one. */
import { assert } from '../assert.ts'
import { toHex } from '../bytes.ts'
import {
  STORE_KEY_BYTES_MAX,
  STORE_VALUE_BYTES_MAX,
  type Store,
  type StoreTransaction,
} from '../store.ts'
import { hasCode } from '../errors.ts'

/** One promise; `run` rejects when the store breaks it. The store is new, and the case's own. */
export interface StoreCase {
  readonly name: string
  run(store: Store): Promise<void>
}

/** Cases of the Store contract, in no order that matters. */
export const storeCases: readonly StoreCase[] = [
  {
    name: 'what was committed is listed by key, under its prefix, with its revision',
    async run(store) {
      const first = await committed(store, put('b/2', 2), put('b/1', 1), put('c', 3))
      const second = await committed(store, put('b/1', 9), put('b', 4))
      assert(second > first, 'revisions grow')
      await holds(store, 'b/', [`b/1=09@${second}`, `b/2=02@${first}`])
      const inB = [`b/1=09@${second}`, `b/2=02@${first}`]
      await holds(store, '', [`b=04@${second}`, ...inB, `c=03@${first}`])
      await holds(store, 'd', [])
    },
  },
  {
    name: 'a check that fails leaves everything as it was',
    async run(store) {
      const revision = await committed(store, put('a', 1))
      const writes = [put('a', 2), put('b', 2)]
      for (const check of [null, revision + 1]) {
        const answer = await store.commit({ checks: [{ key: 'a', revision: check }], writes })
        assert(answer === null, 'the check has failed')
      }
      const absent = await store.commit({ checks: [{ key: 'x', revision }], writes })
      assert(absent === null, 'what is not there has no revision')
      await holds(store, '', [`a=01@${revision}`])
    },
  },
  {
    name: 'checks that hold, of what is there and of what is not, let the writes through',
    async run(store) {
      const first = await committed(store, put('a', 1))
      const checks = [
        { key: 'a', revision: first },
        { key: 'b', revision: null },
      ]
      const second = await store.commit({ checks, writes: [put('a', null), put('b', 2)] })
      await holds(store, '', [`b=02@${second}`])
    },
  },
  {
    name: 'a key that was removed and written again has a new revision',
    async run(store) {
      const first = await committed(store, put('a', 1))
      await committed(store, put('a', null))
      const again = await committed(store, put('a', 1))
      assert(again > first, 'an old revision must not fit again')
      await committed(store, put('nobody', null))
    },
  },
  {
    name: 'commits asked for together are made one after the other',
    async run(store) {
      const claim = (value: number): StoreTransaction => ({
        checks: [{ key: 'lock', revision: null }],
        writes: [put('lock', value), put(`by/${value}`, value)],
      })
      const answers = await Promise.all([1, 2, 3].map((value) => store.commit(claim(value))))
      assert(answers.filter((one) => one !== null).length === 1, 'one of them wins')
      assert((await store.list('')).length === 2, 'losers leave nothing')
    },
  },
  {
    name: "what is handed in and out is the caller's own",
    async run(store) {
      const value = Uint8Array.of(1)
      const commit = store.commit({ checks: [], writes: [{ key: 'a', value }] })
      value[0] = 2
      const revision = await commit
      for (const entry of await store.list('')) entry.value[0] = 3
      await holds(store, '', [`a=01@${revision}`])
    },
  },
  {
    name: 'the longest key, the largest value, and an empty one',
    async run(store) {
      const value = new Uint8Array(STORE_VALUE_BYTES_MAX).fill(7)
      const key = 'k'.repeat(STORE_KEY_BYTES_MAX)
      const none = { key: 'é', value: new Uint8Array() }
      await store.commit({ checks: [], writes: [{ key, value }, none] })
      const [large, empty] = await store.list('')
      assert(large?.key === key && large.value.length === STORE_VALUE_BYTES_MAX, 'as it was')
      assert(empty?.key === 'é' && empty.value.length === 0, 'no bytes are a value too')
    },
  },
  {
    name: 'keys and values beyond their limits are refused',
    async run(store) {
      const key = 'k'.repeat(STORE_KEY_BYTES_MAX + 1)
      const value = new Uint8Array(STORE_VALUE_BYTES_MAX + 1)
      for (const write of [put('', 1), put(key, 1), { key: 'a', value }]) {
        const writes = [put('b', 1), write]
        await fails(store.commit({ checks: [], writes }), 'ERR_STORE_FAILED')
      }
      await holds(store, '', [])
    },
  },
  {
    name: 'a closed store says so, and closes again',
    async run(store) {
      const last = store.commit({ checks: [], writes: [put('a', 1)] })
      await store.close()
      await store.close()
      assert((await last) !== null, 'what was asked for before is done')
      await fails(store.list(''), 'ERR_STORE_CLOSED')
      await fails(store.commit({ checks: [], writes: [] }), 'ERR_STORE_CLOSED')
    },
  },
]

interface Write {
  readonly key: string
  readonly value: Uint8Array | null
}

function put(key: string, value: number | null): Write {
  return { key, value: value === null ? null : Uint8Array.of(value) }
}

async function committed(store: Store, ...writes: readonly Write[]): Promise<number> {
  const revision = await store.commit({ checks: [], writes })
  assert(revision !== null, 'without checks none can fail')
  return revision
}

async function holds(store: Store, prefix: string, expected: readonly string[]): Promise<void> {
  const entries = await store.list(prefix)
  const found = entries.map(({ key, value, revision }) => `${key}=${toHex(value)}@${revision}`)
  assert(found.join() === expected.join(), `${found.join()} is not ${expected.join()}`)
}

async function fails(call: Promise<unknown>, code: string): Promise<void> {
  const outcome = await call.then(
    () => 'it was done',
    (error: unknown) => error,
  )
  assert(hasCode(outcome, code), `${String(outcome)} is not ${code}`)
}
