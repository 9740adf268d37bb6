/** A node's surroundings for tests: virtual time, memory, and agents that do as they are told. */
import { Emitter, parseIp, silentLogger } from '@weft/core'
import { VirtualClock } from '@weft/core/testing'
import type { Agent, AgentEvents, AgentView } from '@weft/agent'
import type { Manager } from '@weft/manager'
import { nodeRuntime } from '@weft/runtime-node'
import type { CloseMode } from '../src/close-list.ts'
import type { Member, Surroundings } from '../src/member.ts'
import { nodeTunables, type CompleteOptions } from '../src/node-options.ts'
import { RecordStore, type NodeRecord } from '../src/node-record.ts'
import { memoryPlaces } from '../src/state-places.ts'

/** A record of nobody. */
export const RECORD: NodeRecord = {
  identity: {
    nodeId: 'n1',
    clusterId: 'c1',
    role: 'worker',
    certificatePem: 'certificate',
    keyPem: 'key',
    rootPem: 'root',
  },
  listen: { ip: parseIp('0.0.0.0'), port: 2377 },
  advertise: { ip: parseIp('10.0.0.1'), port: 2377 },
  dataPathIp: parseIp('10.0.0.1'),
  request: { advertiseAddress: null, dataPathAddress: null },
  managers: ['10.0.0.2:2377'],
}

/** Surroundings in memory. What a test does not touch fails when it is touched. */
export function testSurroundings(): Surroundings & { readonly clock: VirtualClock } {
  const clock = new VirtualClock()
  const places = memoryPlaces()
  const runtime = { ...nodeRuntime(), clock }
  const machine = { hostname: 'host' } as CompleteOptions['machine']
  const options = {
    runtime: runtime as unknown as CompleteOptions['runtime'],
    machine,
    dataplane: { backend: { name: 'test' } } as CompleteOptions['dataplane'],
    log: silentLogger,
    tunables: nodeTunables(),
  } as CompleteOptions
  const untouched = {} as Surroundings
  const { dialer, certificates } = untouched
  const records = new RecordStore(places.node, 'memory')
  return { options, places, records, dialer, certificates, clock }
}

/** A member whose agent a test steers. */
export class TestMember implements Member {
  readonly record = RECORD
  readonly agent: Agent
  readonly manager: Manager | null
  /** What was done to it, in order. */
  readonly calls: string[] = []
  readonly #events = new Emitter<AgentEvents>()
  #view: AgentView

  constructor({ state = 'active', isManager = false }: MemberFacts = {}) {
    this.#view = { state, error: '', nodeId: 'n1' } as AgentView
    this.manager = isManager ? ({ control: { isControl: true } } as unknown as Manager) : null
    this.agent = {
      events: this.#events,
      view: () => this.#view,
      leave: async () => void this.calls.push('leave'),
    } as unknown as Agent
  }

  become(state: AgentView['state'], error = ''): void {
    this.#view = { ...this.#view, state, error }
    this.#events.emit('changed', {})
  }

  forget(): void {
    this.calls.push('forget')
  }

  async close(mode: CloseMode): Promise<void> {
    this.calls.push(mode)
  }
}

/** What a test member begins as. */
export interface MemberFacts {
  readonly state?: AgentView['state']
  readonly isManager?: boolean
}
