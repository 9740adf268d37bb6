/** The order in which states and rules of runs come and go, and that no failure closes a peer. */
import { parseIp, silentLogger } from '@weft/core'
import { NetworkKey } from '@weft/encryption'
import { kernelError, type TableSpec, type XfrmState, type XfrmStateSpec } from '@weft/linux'
import { expect, test } from 'vitest'
import type { AssociationPlan } from '../src/associations.ts'
import { PLAIN_MARK, WINDOW_PACKETS } from '../src/run-states.ts'
import { RunTable, type RunTablePort } from '../src/run-table.ts'
import { RunWindows } from '../src/run-windows.ts'
import { heldState } from './held-state.ts'

const SPI = 0x8123_4567
const MARK = 0x1000_0000
const LOCAL = parseIp('192.0.2.1')
const PEER = { ip: parseIp('192.0.2.2'), node: 'b', port: 4789 }
const KEY = new NetworkKey({ lamportTime: 1n, bytes: new Uint8Array(16).fill(7) })

const PLAN: AssociationPlan = {
  local: LOCAL,
  peers: [PEER],
  inbound: [
    { peer: PEER, key: KEY, source: PEER.ip, destination: LOCAL, spi: SPI, mark: PLAIN_MARK },
  ],
  outbound: [],
  policies: new Map(),
}

const refusal = (errno: string): Error =>
  kernelError({ operation: 'do', object: 'it' }, { errno, diagnostic: 'no' })

/** IPsec and nftables in memory, and what was done to them, in order. */
class MemoryKernel implements RunTablePort {
  readonly log: string[] = []
  readonly states: XfrmState[] = []
  seen: number[][] = []
  /** What the kernel refuses now. */
  refuses: 'states' | 'tables' | null = null
  /** Packets of runs that are over, counted by the rules since they were written. */
  late = 0

  putState(_: string, spec: XfrmStateSpec): void {
    if (this.refuses === 'states') throw refusal('ENOMEM')
    this.log.push(`create ${spec.mark?.value} window ${spec.replayWindow}`)
    this.states.push(heldState(spec))
  }

  deleteState({ mark }: { mark?: { value: number } }): boolean {
    this.log.push(`delete ${mark?.value}`)
    const at = this.states.findIndex((state) => state.mark?.value === mark?.value)
    return this.states.splice(at, 1).length > 0
  }

  replaceTable({ sets = [] }: TableSpec): void {
    if (this.refuses === 'tables') throw refusal('EPERM')
    const runs = sets.find(({ name }) => name === 'runs')?.entries ?? []
    this.log.push(`table ${runs.map(({ mark, words }) => `${words[1]}=${mark}`).join()}`)
    this.seen = []
    this.late = 0
  }

  keys = (): number[][] => this.seen
  rules = () => [{ chain: 'runs', comment: null, packets: this.late, bytes: 0 }]
  deleteTable = (): boolean => false
}

function windowsOf(kernel: MemoryKernel): { look: () => void } {
  const windows = new RunWindows(kernel, new RunTable(kernel, 'test'), silentLogger)
  return { look: () => windows.look(PLAN, [...kernel.states]) }
}

test('a state is there before a mark leads to it, and goes when none does any more', () => {
  const kernel = new MemoryKernel()
  const { look } = windowsOf(kernel)
  look()
  kernel.seen = [[SPI, 5]]
  look()
  const [state] = kernel.states
  if (state !== undefined) kernel.states[0] = { ...state, forged: 1 }
  look()
  expect(kernel.log).toEqual([
    'table ',
    `create ${MARK} window ${WINDOW_PACKETS}`,
    `table 5=${MARK}`,
    'table ',
    `delete ${MARK}`,
  ])
})

test('a predecessor’s states are left alone until the rules lead nowhere near them', () => {
  const kernel = new MemoryKernel()
  const before = windowsOf(kernel)
  before.look()
  kernel.seen = [[SPI, 5]]
  before.look()
  kernel.log.length = 0
  windowsOf(kernel).look()
  expect(kernel.log).toEqual(['table ', `delete ${MARK}`])
})

test.each(['states', 'tables'] as const)('where %s are refused it is tried again', (what) => {
  const kernel = new MemoryKernel()
  const { look } = windowsOf(kernel)
  look()
  kernel.refuses = what
  kernel.seen = [[SPI, 5]]
  look()
  kernel.refuses = null
  kernel.seen = [[SPI, 5]]
  look()
  expect(kernel.log.at(-1)).toBe(`table 5=${MARK}`)
  expect(kernel.states).toHaveLength(1)
})

test('packets of a run that is over are counted once, also when rules cannot be written', () => {
  const kernel = new MemoryKernel()
  const table = new RunTable(kernel, 'test')
  const rules = { family: 4, current: [], past: [[SPI, 5]] } as const
  table.write({ ...rules, spis: [SPI] })
  kernel.late = 3
  kernel.refuses = 'tables'
  expect(() => table.write({ ...rules, spis: [] })).toThrow()
  expect(table.late()).toBe(3)
  kernel.refuses = null
  table.write({ ...rules, spis: [] })
  kernel.late = 1
  expect(table.late()).toBe(4)
})
