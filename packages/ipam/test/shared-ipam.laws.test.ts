import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { WeftError } from '@weft/core'
import {
  COMMIT_ATTEMPTS_MAX,
  MemoryLeaseStore,
  SharedIpam,
  type LeaseStore,
  type StoreChange,
} from '../src/index.ts'

const options = { prefix: 'ipam/', pools: [{ cidr: '10.0.0.0/22', subnetLength: 27 }] }

/** A store as far away as the scheduler likes: requests and answers both wait their turn. */
function distant(store: LeaseStore, scheduler: fc.Scheduler): LeaseStore {
  const later = async <Result>(call: () => Promise<Result>): Promise<Result> => {
    await scheduler.schedule(Promise.resolve())
    const result = await call()
    await scheduler.schedule(Promise.resolve())
    return result
  }
  return {
    list: (prefix) => later(() => store.list(prefix)),
    commit: (changes) => later(() => store.commit(changes)),
  }
}

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work
    return 'ok'
  } catch (error) {
    if (error instanceof WeftError) return error.code
    throw error
  }
}

type Step =
  | { readonly do: 'lease' | 'release'; readonly holder: number }
  | { readonly do: 'claim'; readonly holder: number; readonly last: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('lease' as const), holder: fc.nat(40) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('claim' as const),
      holder: fc.nat(40),
      last: fc.integer({ min: 2, max: 30 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('release' as const), holder: fc.nat(40) }) },
)

/** The history of who was told what: a lease counts from its answer until its release is asked. */
class History {
  readonly now = new Map<string, string>()

  leased(address: string, holder: string): void {
    const other = this.now.get(address)
    expect(other === undefined || other === holder, `${address}: ${other} and ${holder}`).toBe(true)
    this.now.set(address, holder)
  }
}

/** One allocator with holders of its own, working through its steps one after the other. */
async function work(
  { name, ipam, history }: { name: string; ipam: SharedIpam; history: History },
  steps: readonly Step[],
): Promise<Map<string, string>> {
  const mine = new Map<string, string>()
  for (const s of steps) {
    const holder = `${name}${s.holder}`
    const held = mine.get(holder)
    if (s.do === 'release') {
      if (held === undefined) continue
      history.now.delete(held)
      await ipam.release('n', { address: held, holder })
      mine.delete(holder)
      continue
    }
    const address = s.do === 'claim' ? { address: `10.0.0.${s.last}` } : {}
    try {
      const lease = await ipam.lease('n', { holder, ...address })
      if (held !== undefined) expect(lease.address).toBe(held)
      history.leased(lease.address, holder)
      mine.set(holder, lease.address)
    } catch (error) {
      if (!(error instanceof WeftError)) throw error
      const expected = ['ERR_SUBNET_EXHAUSTED', 'ERR_ADDRESS_TAKEN', 'ERR_HOLDER_TAKEN']
      expect(expected).toContain(error.code)
    }
  }
  return mine
}

describe('two allocators over one store', () => {
  test('never give one address to two holders and lose none, however interleaved', async () => {
    const steps = fc.array(step, { maxLength: 40, size: 'max' })
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), steps, steps, async (scheduler, stepsA, stepsB) => {
        const store = new MemoryLeaseStore()
        await new SharedIpam({ ...options, store }).createNetwork('n')
        const [a, b] = [0, 1].map(
          () => new SharedIpam({ ...options, store: distant(store, scheduler) }),
        ) as [SharedIpam, SharedIpam]
        const history = new History()
        const both = Promise.all([
          work({ name: 'a', ipam: a, history }, stepsA),
          work({ name: 'b', ipam: b, history }, stepsB),
        ])
        const [mineA, mineB] = await scheduler.waitFor(both)
        const told = new Map([...mineA, ...mineB].map(([holder, address]) => [address, holder]))
        expect(told.size).toBe(mineA.size + mineB.size)
        // The store holds exactly what the two were told, by address and by holder.
        const records = (await store.list('ipam/')).filter(({ key }) => key !== 'ipam/plan')
        expect(records).toHaveLength(2 * told.size)
        for (const { value } of records) {
          const record = JSON.parse(value) as { address: string; holder: string }
          expect(told.get(record.address)).toBe(record.holder)
        }
        const third = new SharedIpam({ ...options, store })
        expect((await third.usage()).networks[0]?.used).toBe(told.size)
      }),
      { numRuns: 150 },
    )
  })

  test('asked by one holder at once, give it one address', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const store = new MemoryLeaseStore()
        await new SharedIpam({ ...options, store }).createNetwork('n')
        const asked = [0, 1, 2].map((_) => {
          const ipam = new SharedIpam({ ...options, store: distant(store, scheduler) })
          return ipam.lease('n', { holder: 'web.1' })
        })
        const leases = await scheduler.waitFor(Promise.all(asked))
        expect(new Set(leases.map(({ address }) => address)).size).toBe(1)
      }),
    )
  })

  test('make networks that share no address, and VNIs that are given once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const store = new MemoryLeaseStore()
        const asked = ['a', 'b', 'c'].map(async (name) => {
          const ipam = new SharedIpam({ ...options, store: distant(store, scheduler) })
          const [spec] = await ipam.createNetwork(name)
          return { cidr: spec?.cidr, vni: await ipam.allocateVni(name) }
        })
        const made = await scheduler.waitFor(Promise.all(asked))
        expect(made.map(({ cidr }) => cidr).sort()).toEqual([
          '10.0.0.0/27',
          '10.0.0.32/27',
          '10.0.0.64/27',
        ])
        expect(made.map(({ vni }) => vni).sort()).toEqual([4096, 4097, 4098])
      }),
    )
  })

  test('never leave a lease in a network that is gone', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const store = new MemoryLeaseStore()
        await new SharedIpam({ ...options, store }).createNetwork('n')
        const [a, b] = [0, 1].map(
          () => new SharedIpam({ ...options, store: distant(store, scheduler) }),
        ) as [SharedIpam, SharedIpam]
        const outcome = Promise.all([
          codeOf(a.removeNetwork('n')),
          codeOf(b.lease('n', { holder: 'x' })),
          codeOf(b.lease('n', { holder: 'y' })),
        ])
        const [removed, ...leased] = await scheduler.waitFor(outcome)
        const records = await store.list('ipam/lease/')
        expect(records).toHaveLength(leased.filter((code) => code === 'ok').length)
        if (removed === 'ok') expect(records).toHaveLength(0)
        else expect(removed).toBe('ERR_NETWORK_IN_USE')
        const refusals = ['ok', 'ERR_NETWORK_CLOSING', 'ERR_NETWORK_UNKNOWN']
        for (const code of leased) expect(refusals).toContain(code)
        // Open again when it was not removed.
        const late = new SharedIpam({ ...options, store })
        if (removed !== 'ok') await late.lease('n', { holder: 'z' })
      }),
      { numRuns: 300 },
    )
  })
})

describe('an allocator', () => {
  test('sees through a view that has grown old, whatever it was asked', async () => {
    const store = new MemoryLeaseStore()
    const [a, b] = [new SharedIpam({ ...options, store }), new SharedIpam({ ...options, store })]
    await a.createNetwork('n', [{ cidr: '10.0.0.0/30', gateway: null }])
    const first = await a.lease('n', { holder: 'a' })
    await b.lease('n', { holder: 'b' })
    await b.release('n', { address: first.address, holder: 'a' })
    expect((await b.lease('n', { holder: 'c' })).address).toBe(first.address)
    // To its own view, `a` still has the address.
    expect(await codeOf(a.lease('n', { holder: 'a' }))).toBe('ERR_SUBNET_EXHAUSTED')
    const stale = a.release('n', { address: first.address, holder: 'a' })
    expect(await codeOf(stale)).toBe('ERR_ADDRESS_TAKEN')
    await b.release('n', { address: first.address, holder: 'c' })
    expect((await a.lease('n', { holder: 'a' })).address).toBe(first.address)
  })

  test('lets addresses cool that another one gave back', async () => {
    const store = new MemoryLeaseStore()
    const [a, b] = [new SharedIpam({ ...options, store }), new SharedIpam({ ...options, store })]
    await a.createNetwork('n')
    const { address } = await a.lease('n', { holder: 'a' })
    await b.lease('n', { holder: 'b' })
    await a.release('n', { address, holder: 'a' })
    // A changed plan makes `b` read the store again, and see the address free.
    await a.growNetwork('n', { family: 4 })
    expect((await b.lease('n', { holder: 'c' })).address).not.toBe(address)
  })

  test('takes every operation through the store', async () => {
    const store = new MemoryLeaseStore()
    const a = new SharedIpam({ ...options, store })
    await a.addPool({ cidr: 'fd00::/48', subnetLength: 64 })
    await a.reserve('10.0.0.0/27', 'office')
    await a.createNetwork('n/ä', [{ family: 4 }, { family: 6 }])
    await a.growNetwork('n/ä', { family: 4 })
    const vni = await a.allocateVni('n/ä')
    await a.lease('n/ä', { holder: 'h/1' })
    await a.lease('n/ä', { holder: 'h/1', family: 6 })
    const b = new SharedIpam({ ...options, store })
    expect(await b.usage()).toEqual(await a.usage())
    expect(await codeOf(b.removeNetwork('n/ä'))).toBe('ERR_NETWORK_IN_USE')
    await b.release('n/ä', { address: '10.0.0.34', holder: 'h/1' })
    await b.release('n/ä', { address: 'fd00::2', holder: 'h/1' })
    await b.removeNetwork('n/ä')
    await b.releaseVni(vni, 'n/ä')
    expect((await a.usage()).networks).toEqual([])
    expect(await codeOf(a.releaseVni(vni, 'n/ä'))).toBe('ERR_VNI_NOT_ALLOCATED')
    expect((await store.list('')).map(({ key }) => key)).toEqual(['ipam/plan'])
  })

  test('gives up when others never let it through, and recovers', async () => {
    const store = new MemoryLeaseStore()
    let hostile = true
    let commits = 0
    const contended: LeaseStore = {
      list: (prefix) => store.list(prefix),
      commit: async (changes: readonly StoreChange[]) => {
        commits++
        return hostile ? { committed: false, key: changes[0]?.key ?? '' } : store.commit(changes)
      },
    }
    const ipam = new SharedIpam({ ...options, store: contended })
    await expect(ipam.createNetwork('n')).rejects.toMatchObject({
      code: 'ERR_CONTENTION',
      details: { operation: 'createNetwork', attempts: COMMIT_ATTEMPTS_MAX },
    })
    expect(commits).toBe(COMMIT_ATTEMPTS_MAX)
    hostile = false
    await ipam.createNetwork('n')
  })

  test('forgets what it thought when the store fails: the commit may have happened', async () => {
    const store = new MemoryLeaseStore()
    let broken = false
    const failing: LeaseStore = {
      list: (prefix) => store.list(prefix),
      commit: async (changes) => {
        const result = await store.commit(changes)
        if (broken) throw new Error('connection lost')
        return result
      },
    }
    const ipam = new SharedIpam({ ...options, store: failing })
    await ipam.createNetwork('n')
    broken = true
    await expect(ipam.lease('n', { holder: 'a' })).rejects.toThrow('connection lost')
    broken = false
    expect((await ipam.lease('n', { holder: 'a' })).address).toBe('10.0.0.2')
    expect((await ipam.usage()).networks[0]?.used).toBe(1)
  })

  test('names a record it cannot read', async () => {
    const store = new MemoryLeaseStore()
    const ipam = new SharedIpam({ ...options, store })
    await ipam.createNetwork('n')
    await store.commit([{ key: 'ipam/lease/n/x', expected: 0, value: '{"network":"n"}' }])
    const reader = new SharedIpam({ ...options, store })
    await expect(reader.usage()).rejects.toMatchObject({
      code: 'ERR_SNAPSHOT_INVALID',
      details: { path: 'ipam/lease/n/x.address' },
    })
    await store.commit([{ key: 'ipam/lease/n/x', expected: 2, value: 'nonsense' }])
    await expect(reader.usage()).rejects.toMatchObject({ details: { path: 'ipam/lease/n/x' } })
  })
})
