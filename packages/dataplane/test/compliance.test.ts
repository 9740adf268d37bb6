/** The suite's own machinery: what passes, fails, is skipped, waived, and written down. */
import { parseIp } from '@weft/core'
import {
  check,
  CheckFailure,
  complianceCases,
  defineCase,
  describeCompliance,
  eventually,
  judge,
  labNames,
  LAB_DEFAULTS,
  PATIENCE_MS,
  renderComplianceMatrix,
  runCase,
  SILENCE_MS,
  unmetRequirements,
  waiverProblems,
  type CaseOutcome,
  type ComplianceCase,
  type Lab,
  type LabNode,
  type LabSealing,
} from '../src/compliance/index.ts'
import type { Capabilities, Counters, Dataplane } from '../src/index.ts'
import { describe, expect, test } from 'vitest'
import { ALL } from './states.ts'

interface ToyWorld {
  readonly leaked?: readonly string[]
  readonly counters?: Partial<Counters>
  readonly closeFails?: boolean
  readonly capabilities?: Capabilities
  readonly sealing?: ToySealing
}

/** Encryption of which nothing is there but what a capture shows, each time that one is taken. */
type ToySealing = Partial<LabSealing> & { readonly frames: readonly Uint8Array[] }

function sealingOf(frames: readonly Uint8Array[]): ToySealing {
  return { extraBytes: 0, guarded: false, frames }
}

const withoutEsp: Capabilities = { ...ALL, encapsulations: new Set(['vxlan']) }
const withEsp: Capabilities = { ...ALL, encapsulations: new Set(['vxlan', 'vxlan-esp']) }

/** A lab of nothing: nodes whose dataplane only counts. */
function toyLab(world: ToyWorld = {}): Lab {
  const { capabilities = ALL, closeFails = false, counters = {}, leaked = [], sealing } = world
  let now = 0
  const zero = { transmitted: 0, received: 0, dropped: new Map(), drift: 0, networks: new Map() }
  const dataplane = { counters: async () => ({ ...zero, ...counters }) } as unknown as Dataplane
  const tunnel = { ip: parseIp('172.31.1.11'), port: 4789 }
  return {
    capabilities,
    ...(sealing === undefined ? {} : { sealing: sealing as unknown as LabSealing }),
    node: async (name) => ({ name, tunnel, dataplane }) as unknown as LabNode,
    advance: async (ms) => void (now += ms),
    link: () => {
      if (sealing === undefined) throw new Error(`no links at ${now}`)
      return {
        captured: async () => sealing.frames,
        cut: async () => undefined,
        heal: async () => undefined,
      }
    },
    close: async () => {
      if (closeFails) throw new Error('stuck')
      return { leaked }
    },
  }
}

function run(parts: Partial<ComplianceCase>, world: ToyWorld = {}): Promise<CaseOutcome> {
  const whole = {
    name: 'apply/toy',
    promise: 'a toy',
    run: async () => undefined,
    ...parts,
  } as const
  return runCase(defineCase(whole), async () => toyLab(world))
}

describe('the cases', () => {
  test('have names of their own that begin with their family, and promises', () => {
    const names = complianceCases.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    const families = /^(apply|forward|neighbour|adopt|repair|seal|close)\/[a-z0-9-]+$/
    for (const { name, promise } of complianceCases) {
      expect(name).toMatch(families)
      expect(promise.length).toBeGreaterThan(20)
    }
  })

  test('come in twins: what is required somewhere is lacking somewhere', () => {
    const requirements = new Set(complianceCases.flatMap(({ requires }) => requires))
    const positive = [...requirements].filter((r) => !r.startsWith('without '))
    const twinless = positive.filter((r) => !requirements.has(`without ${r}`))
    // Every backend has VXLAN: without it there is no case to run at all. Where networks are clear
    // or rules do not guard them there is nothing to promise; a replay that nobody refuses is none.
    const known = ['encapsulation:vxlan', 'networks:vxlan-esp', 'replay-window', 'guards']
    expect(twinless).toEqual(known)
  })

  test('wait long enough to be fair and not so long that a suite is never run', () => {
    expect(PATIENCE_MS).toBe(1000)
    expect(SILENCE_MS).toBeLessThan(PATIENCE_MS / 10)
  })
})

describe('runCase', () => {
  test('passes a case that finds nothing', async () => {
    expect(await run({})).toEqual({ result: 'passed' })
  })

  test('gives a fresh world with what the case asks for', async () => {
    let asked: unknown = null
    const world = { underlay: 6 } as const
    const testCase = defineCase({
      name: 'apply/w',
      promise: 'w',
      world,
      run: async () => undefined,
    })
    await runCase(testCase, async (options) => {
      asked = options
      return toyLab()
    })
    expect(asked).toEqual({ ...LAB_DEFAULTS, underlay: 6 })
  })

  test('fails with what a check found, and with what broke', async () => {
    const found = await run({ run: async (_lab, c) => c.equal([1], [2], 'one thing') })
    expect(found).toMatchObject({ result: 'failed', reason: 'one thing: got [1], expected [2]' })
    const broke = await run({ run: () => Promise.reject(new Error('oops')) })
    expect(broke).toMatchObject({ result: 'failed', reason: 'the case broke off: oops' })
  })

  test('a leak fails a case that passed, and never masks the first failure', async () => {
    expect(await run({}, { leaked: ['a device'] })).toMatchObject({
      reason: 'left behind: a device',
    })
    const both = await run(
      { run: async (_lab, c) => c.ok(false, 'first') },
      { leaked: ['a device'] },
    )
    expect(both).toMatchObject({ reason: 'first' })
    expect(await run({}, { closeFails: true })).toMatchObject({ result: 'failed' })
    const stuck = await run({ run: async (_lab, c) => c.ok(false, 'first') }, { closeFails: true })
    expect(stuck).toMatchObject({ reason: 'first' })
  })

  test('a world that cannot be opened fails the case', async () => {
    const testCase = defineCase({ name: 'apply/w', promise: 'w', run: async () => undefined })
    const outcome = await runCase(testCase, () => Promise.reject(new Error('no root')))
    expect(outcome).toMatchObject({
      result: 'failed',
      reason: 'the world could not be opened: no root',
    })
  })

  test('skips visibly, naming what is needed, and still closes the world', async () => {
    const requires = ['encapsulation:vxlan-esp', 'without persistent', 'overlay-family:6']
    const needs = ['encapsulation:vxlan-esp', 'without persistent']
    expect(await run({ requires })).toEqual({ result: 'skipped', needs })
    expect(unmetRequirements(requires, ALL)).toEqual(needs)
  })

  test('a world with encrypted networks needs a backend that has them, always', async () => {
    const sealing = sealingOf([])
    const lacking = await run({}, { sealing, capabilities: withoutEsp })
    expect(lacking).toEqual({ result: 'skipped', needs: ['encapsulation:vxlan-esp'] })
    expect(await run({}, { sealing, capabilities: withEsp })).toEqual({ result: 'passed' })
    const requires = ['networks:vxlan-esp', 'guards', 'replay-window']
    expect(await run({ requires })).toEqual({ result: 'skipped', needs: requires })
    const guarded = { ...sealing, guarded: true }
    const capabilities = { ...withEsp, replayWindow: true }
    expect(await run({ requires }, { sealing: guarded, capabilities })).toEqual({
      result: 'passed',
    })
    expect(labNames({})).toEqual(['networks:vxlan'])
  })

  test('what a case sends through encrypted networks is not seen on the underlay', async () => {
    const nodes: ComplianceCase['run'] = async (lab) => {
      const [a, b] = [await lab.node('a'), await lab.node('b')]
      await lab.link(a, b).captured()
    }
    const seen = (text: string): ToyWorld => ({
      sealing: sealingOf([new TextEncoder().encode(`..${text} 1`)]),
      capabilities: withEsp,
    })
    expect(await run({ run: nodes }, seen('weft compliance fram'))).toEqual({ result: 'passed' })
    expect(await run({ run: nodes }, seen('weft compliance frame'))).toMatchObject({
      result: 'failed',
      reason: expect.stringContaining('that show what is inside: got 2, expected 0') as unknown,
    })
    const own = { run: nodes, dark: false }
    expect(await run(own, seen('weft compliance frame'))).toEqual({ result: 'passed' })
  })

  test('a slow world is given more time', async () => {
    const slow = { ...toyLab(), slowness: 3 }
    let ms = 0
    const advance = async (step: number): Promise<void> => void (ms += step)
    expect(await eventually({ ...slow, advance }, () => false)).toBe(false)
    expect(ms).toBeGreaterThanOrEqual(3 * PATIENCE_MS)
    expect(ms).toBeLessThan(3 * PATIENCE_MS + 100)
  })

  test('every datagram must be accounted for, unless the case interferes', async () => {
    const lost = { counters: { transmitted: 3, received: 2 } }
    const node: ComplianceCase['run'] = async (lab) => {
      await lab.node('a')
    }
    expect(await run({ run: node }, lost)).toMatchObject({ result: 'failed' })
    expect(await run({ run: node, conserves: false }, lost)).toEqual({ result: 'passed' })
    const dropped = new Map([
      ['datagram-unknown-vni', 1],
      ['frame-too-long', 5],
    ])
    expect(await run({ run: node }, { counters: { ...lost.counters, dropped } })).toEqual({
      result: 'passed',
    })
  })

  test('waiting ends when it comes true or patience ends', async () => {
    let asked = 0
    expect(await eventually(toyLab(), () => ++asked === 3)).toBe(true)
    expect(asked).toBe(3)
    expect(await eventually(toyLab(), () => false, 50)).toBe(false)
  })
})

describe('check', () => {
  test('compares by value, maps and sets in any order', () => {
    const [a, b] = [
      new Map([
        ['x', [1]],
        ['y', [2]],
      ]),
      new Map([
        ['y', [2]],
        ['x', [1]],
      ]),
    ]
    check.equal(a, b, 'maps')
    check.equal(new Set([1, 2]), new Set([2, 1]), 'sets')
    check.equal({ a: Uint8Array.of(1) }, { a: Uint8Array.of(1) }, 'bytes')
    expect(() => check.equal(Uint8Array.of(1), Uint8Array.of(2), 'bytes')).toThrow(CheckFailure)
    expect(() => check.equal('1', 1, 'kinds')).toThrow('kinds: got "1", expected 1')
    expect(() => check.some(null, 'a thing')).toThrow('a thing: there is none')
  })
  test('expects rejections by code', async () => {
    await expect(check.rejects(Promise.resolve(), 'ERR_CLOSED', 'it')).rejects.toThrow(
      'got nothing',
    )
    await expect(
      check.rejects(Promise.reject(new Error('no')), 'ERR_CLOSED', 'it'),
    ).rejects.toThrow(CheckFailure)
  })
})

describe('waivers', () => {
  const failed: CaseOutcome = { result: 'failed', reason: 'r', error: null }
  const skipped: CaseOutcome = { result: 'skipped', needs: ['x'] }
  test('a waived case must still fail', () => {
    expect(judge(failed, 'why')).toEqual({ kind: 'pass' })
    expect(judge({ result: 'passed' }, 'why')).toMatchObject({ kind: 'fail' })
    expect(judge(skipped, 'why')).toMatchObject({ kind: 'fail' })
  })
  test('without a waiver outcomes are what they are', () => {
    expect(judge(failed, undefined)).toMatchObject({ kind: 'fail', reason: 'r' })
    expect(judge({ result: 'passed' }, undefined)).toEqual({ kind: 'pass' })
    expect(judge(skipped, undefined)).toEqual({ kind: 'skip', note: 'needs x' })
  })
  test('unknown cases and empty reasons are problems', () => {
    const problems = waiverProblems({ 'apply/none': 'x', 'apply/stale': ' ' }, complianceCases)
    expect(problems).toHaveLength(2)
    expect(waiverProblems({ 'apply/stale': 'because' }, complianceCases)).toEqual([])
  })
})

describe('describeCompliance', () => {
  /** A test runner that runs at once and notes what happened. */
  async function declared(
    suite: Partial<Parameters<typeof describeCompliance>[0]>,
  ): Promise<string[]> {
    const bodies: [string, (context: { skip(note?: string): void }) => Promise<void>][] = []
    const passing = defineCase({ name: 'apply/good', promise: 'good', run: async () => undefined })
    const failing = defineCase({
      name: 'apply/bad',
      promise: 'bad',
      run: async (_l, c) => c.ok(false, 'bad'),
    })
    const needy = defineCase({
      name: 'apply/needy',
      promise: 'needy',
      requires: ['x'],
      run: async () => undefined,
    })
    const whole = {
      backend: 'toy',
      cases: [passing, failing, needy],
      openLab: async () => toyLab(),
      waivers: {},
      ...suite,
    }
    const test = (name: string, body: (typeof bodies)[number][1]): void =>
      void bodies.push([name, body])
    describeCompliance(whole, { describe: (_name, body) => body(), test })
    const outcomes: string[] = []
    for (const [name, body] of bodies) {
      let note = ''
      const skip = (why?: string): void => void (note = ` skipped ${why ?? ''}`)
      const result = await body({ skip }).then(
        () => 'pass',
        () => 'fail',
      )
      outcomes.push(`${name.split(':')[0] ?? ''} ${result}${note}`)
    }
    return outcomes
  }
  const rules = 'waivers name cases that exist and give reasons'

  test('makes a test of every case', async () => {
    expect(await declared({})).toEqual([
      `${rules} pass`,
      'apply/good pass',
      'apply/bad fail',
      'apply/needy pass skipped needs x',
    ])
  })
  test('holds waivers to their word and reports every outcome', async () => {
    const seen: string[] = []
    const waivers = { 'apply/bad': 'known', 'apply/good': 'stale', 'apply/other': 'unknown' }
    const outcomes = await declared({
      waivers,
      report: ({ name, outcome, waiver }) =>
        void seen.push(`${name} ${outcome.result} ${waiver ?? '-'}`),
    })
    expect(outcomes.slice(0, 3)).toEqual([`${rules} fail`, 'apply/good fail', 'apply/bad pass'])
    expect(seen).toEqual([
      'apply/good passed stale',
      'apply/bad failed known',
      'apply/needy skipped -',
    ])
  })
})

test('the matrix says who keeps what', () => {
  const cases = ['apply/a', 'apply/b'].map((name) =>
    defineCase({
      name: name as 'apply/a',
      promise: `promise of ${name}`,
      run: async () => undefined,
    }),
  )
  const outcome = (result: CaseOutcome['result']): CaseOutcome =>
    result === 'passed'
      ? { result }
      : result === 'skipped'
        ? { result, needs: ['persistent'] }
        : { result, reason: 'r', error: null }
  const row = (backend: string, name: string, result: CaseOutcome['result']) => ({
    backend,
    name,
    outcome: outcome(result),
    waiver: null,
  })
  const text = renderComplianceMatrix(
    [
      row('sim', 'apply/a', 'passed'),
      row('sim', 'apply/b', 'skipped'),
      { ...row('kernel', 'apply/a', 'failed'), waiver: 'old kernels' },
      row('odd', 'apply/a', 'failed'),
      { ...row('odd', 'apply/b', 'passed'), waiver: 'stale' },
    ],
    cases,
  )
  expect(text).toContain('| case | promise | kernel | odd | sim |')
  expect(text).toContain('| `apply/a` | promise of apply/a | waived | **no** | yes |')
  expect(text).toContain(
    '| `apply/b` | promise of apply/b | not run | **stale waiver** | needs persistent |',
  )
  expect(text).toContain('- `apply/a` on kernel: old kernels')
  const more = renderComplianceMatrix([], cases, { columns: ['rare'], notes: ['Rare is slow.'] })
  expect(more).toContain('do not edit.\n\nRare is slow.\n\n| case | promise | rare |')
  expect(more).toContain('| `apply/a` | promise of apply/a | not run |')
})
