/** Sessions with managers that are in trouble, or make it (docker-wire §7.6). */
import { create } from '@bufbuild/protobuf'
import { silentLogger } from '@weft/core'
import { SeededRandom, VirtualClock } from '@weft/core/testing'
import {
  AssignmentAction,
  AssignmentsMessageSchema,
  NodeDescriptionSchema,
  REMOTES_MAX,
  swarmError,
  TaskState,
  type AssignmentsMessage,
  type NodeIdentity,
  type SessionMessage,
} from '@weft/swarm'
import { describe, expect, test } from 'vitest'
import { defaultTunables } from '../src/index.ts'
import {
  AssignmentSet,
  TASK_ID_CHARACTERS_MAX,
  TASKS_MAX,
} from '../src/session/assignment-set.ts'
import { Sessions, wasRemoved } from '../src/session/sessions.ts'
import { StatusReports, UPDATES_MAX } from '../src/session/status-reports.ts'
import { ManagerWeb } from './direct-dialer.ts'
import { assignments, attachmentTask, ScriptedServices } from './scripted-services.ts'

const A = '192.0.2.1:2377'
const B = '192.0.2.2:2377'
const IDENTITY: NodeIdentity = {
  nodeId: 'node1',
  clusterId: 'c',
  role: 'worker',
  certificatePem: '',
  keyPem: '',
  rootPem: '',
}

/** Sessions on virtual time, and what they told. */
class SessionBench {
  readonly clock = new VirtualClock()
  readonly web = new ManagerWeb()
  readonly reports = new StatusReports(this.clock)
  readonly heard: SessionMessage[] = []
  readonly assigned: AssignmentsMessage[] = []
  readonly set = new AssignmentSet()
  readonly manager: ScriptedServices
  readonly sessions: Sessions
  hostname = 'h1'

  constructor(addresses: readonly string[] = [A]) {
    this.manager = this.listen(A)
    this.sessions = new Sessions(
      addresses,
      {
        dialer: this.web.dialer('192.0.2.9'),
        clock: this.clock,
        random: new SeededRandom(1),
        log: silentLogger,
        tunables: defaultTunables(),
        reports: this.reports,
        identity: () => IDENTITY,
        describe: async () => create(NodeDescriptionSchema, { hostname: this.hostname }),
      },
      {
        message: (message) => this.heard.push(message),
        assigned: (message) => {
          this.assigned.push(message)
          return this.set.apply(message) !== null
        },
        assignmentsBegin: () => this.set.suspend(),
        changed: () => undefined,
      },
    )
  }

  listen(address: string): ScriptedServices {
    const manager = new ScriptedServices(() => this.clock.now(), address)
    this.web.services.set(address, manager)
    return manager
  }

  async begin(): Promise<this> {
    this.sessions.start()
    await this.clock.advance(0)
    return this
  }

  async attemptsIn(ms: number): Promise<number[]> {
    const times: number[] = []
    const until = this.clock.now() + ms
    while (this.clock.now() < until) {
      const count = this.web.count('session')
      const came = (): boolean => this.web.count('session') > count
      const isMore = await this.clock.advanceUntil(came, until - this.clock.now())
      if (isMore) times.push(this.clock.now())
    }
    return times
  }
}

describe('a session', () => {
  test('sends heartbeats at once, then a tenth before each period', async () => {
    const bench = await new SessionBench().begin()
    const { heartbeats } = bench.manager.notes
    await bench.clock.advance(10_000)
    expect(heartbeats.map(({ at }) => at)).toEqual([0, 4500, 9000])
    bench.manager.periodMs = 1000
    await bench.clock.advance(5400)
    expect(heartbeats.slice(3).map(({ at }) => at)).toEqual([13_500, 14_400, 15_300])
    expect(new Set(heartbeats.map(({ sessionId }) => sessionId))).toEqual(new Set(['s1']))
  })

  test('whose first message does not come within 5 s is given up', async () => {
    const bench = new SessionBench()
    bench.manager.first = () => null
    await bench.begin()
    await bench.clock.advance(4999)
    expect(bench.sessions.problem).toBe('')
    await bench.clock.advance(1)
    expect(bench.sessions.problem).toContain('did not begin the session in time')
    bench.manager.first = () => bench.manager.message([A])
    await bench.clock.advance(8000)
    expect(bench.sessions.isOpen).toBe(true)
    expect(bench.sessions.problem).toBe('')
  })

  test('ends when a heartbeat fails, and the next one is known by the same ID', async () => {
    const bench = await new SessionBench().begin()
    bench.manager.heartbeatError = swarmError('ERR_INVALID_ARGUMENT', 'session invalid', {
      subject: 's1',
    })
    await bench.clock.advance(4500)
    expect(bench.sessions.isOpen).toBe(false)
    bench.manager.heartbeatError = null
    await bench.clock.advance(1000)
    expect(bench.sessions.isOpen).toBe(true)
    const { sessionRequests } = bench.manager.notes
    expect(sessionRequests.map(({ sessionId }) => sessionId)).toEqual(['', 's1'])
  })

  test('is opened again at once when what we say of ourselves changed', async () => {
    const bench = await new SessionBench().begin()
    await bench.clock.advance(1000)
    bench.hostname = 'h2'
    bench.sessions.reopen()
    await bench.clock.advance(0)
    const told = bench.manager.notes.sessionRequests.map(({ description }) => description?.hostname)
    expect(told).toEqual(['h1', 'h2'])
    expect(bench.sessions.isOpen).toBe(true)
  })

  test('whose manager is silent for good is one that waits', async () => {
    const bench = await new SessionBench().begin()
    await bench.clock.advance(3_600_000)
    expect(bench.manager.notes.sessionRequests).toHaveLength(1)
  })
})

describe('between sessions', () => {
  test('waits double from 100 ms to 8 s, and are drawn', async () => {
    const bench = new SessionBench()
    bench.manager.first = () => swarmError('ERR_UNAVAILABLE', 'no', { subject: 'x' })
    await bench.begin()
    const times = await bench.attemptsIn(60_000)
    const waits = times.map((at, i) => at - (times[i - 1] ?? 0))
    const bounds = [100, 200, 400, 800, 1600, 3200, 6400, 8000, 8000]
    for (const [i, most] of bounds.entries()) {
      expect(waits[i]).toBeGreaterThan(most / 2 - 1)
      expect(waits[i]).toBeLessThanOrEqual(most)
    }
  })

  test('other managers are asked, by what became of them', async () => {
    const bench = new SessionBench([A, B])
    const other = bench.listen(B)
    bench.web.passes = (_, to) => to !== A
    await bench.begin()
    await bench.clock.advance(3000)
    expect(other.notes.sessionRequests).toHaveLength(1)
    expect(bench.sessions.isOpen).toBe(true)
  })

  test('the list is what a manager says, but for an empty one', async () => {
    const bench = await new SessionBench([A, B]).begin()
    await bench.clock.advance(0)
    if (!bench.sessions.isOpen) return
    bench.manager.say(bench.manager.message([A, '192.0.2.3:2377']))
    await bench.clock.advance(0)
    const list = (): string[] => bench.sessions.remotes.list().map(({ address }) => address)
    expect(list()).toEqual([A, '192.0.2.3:2377'])
    bench.manager.say(bench.manager.message([]))
    await bench.clock.advance(0)
    expect(list()).toEqual([A, '192.0.2.3:2377'])
    const many = Array.from({ length: REMOTES_MAX + 1 }, (_, i) => `192.0.3.${i}:2377`)
    bench.manager.say(bench.manager.message(many))
    await bench.clock.advance(0)
    expect(list()).toHaveLength(REMOTES_MAX)
  })

  test('what a manager calls the address of another need not be one', async () => {
    const bench = await new SessionBench().begin()
    bench.manager.say(bench.manager.message(['nonsense', A]))
    await bench.clock.advance(0)
    bench.manager.say(swarmError('ERR_ABORTED', 'node must disconnect', { subject: 'node1' }))
    const refused = (): boolean => bench.sessions.problem.includes('not the address')
    for (let i = 0; i < 50 && !refused(); i++) {
      bench.sessions.reopen()
      await bench.clock.advance(0)
    }
    expect(refused()).toBe(true)
    await bench.clock.advance(30_000)
    expect(bench.sessions.isOpen).toBe(true)
    await bench.sessions.close()
  })

  test('a node that was removed asks nobody any more', async () => {
    const bench = new SessionBench()
    const text = 'node node1 was removed from swarm'
    bench.manager.first = () => swarmError('ERR_PERMISSION_DENIED', text, { subject: 'node1' })
    const waiting = bench.sessions.call(async () => 0)
    const refused = expect(waiting).rejects.toThrow(text)
    await bench.begin()
    await bench.clock.advance(60_000)
    await refused
    expect(bench.sessions.removed?.message).toBe(text)
    expect(bench.manager.notes.sessionRequests).toHaveLength(1)
    await expect(bench.sessions.call(async () => 0)).rejects.toThrow(text)
    const other = swarmError('ERR_PERMISSION_DENIED', 'no certificate', { subject: 'x' })
    expect(wasRemoved(other)).toBe(false)
  })

  test('nothing is left of a session that was closed', async () => {
    const bench = await new SessionBench().begin()
    await bench.clock.advance(100)
    await bench.sessions.close()
    await expect(bench.sessions.call(async () => 0)).rejects.toMatchObject({
      code: 'ERR_UNAVAILABLE',
    })
    expect(bench.clock.pending).toBe(0)
  })
})

describe('assignments', () => {
  test('that do not follow are asked for again, all of them', async () => {
    const bench = await new SessionBench().begin()
    bench.manager.assign(assignments([attachmentTask('t1', 'x')], { base: '1', result: '2' }))
    bench.manager.assign(assignments([attachmentTask('t2', 'y')], { base: '9', result: '10' }))
    await bench.clock.advance(0)
    expect(bench.manager.streams).toHaveLength(2)
    expect(bench.sessions.isOpen).toBe(true)
    expect(bench.set.has('t1')).toBe(false)
    expect(bench.set.isComplete).toBe(true)
  })

  test('that begin with no complete set end the session: no storm of streams', async () => {
    const bench = new SessionBench()
    bench.manager.firstAssignments = assignments([], { base: '1', result: '2' })
    await bench.begin()
    await bench.clock.advance(1000)
    expect(bench.manager.streams.length).toBeLessThan(6)
  })

  test('changed, removed, replaced', () => {
    const set = new AssignmentSet()
    const [one, two, three] = ['t1', 't2', 't3'].map((id) => attachmentTask(id, id))
    if (one === undefined || two === undefined || three === undefined) throw new Error('three')
    expect(set.apply(assignments([one], { base: '0', result: '1' }))).toBe(null)
    expect(set.apply(assignments([one, two], { result: '1' }))).toEqual({
      tasks: [one, two],
      removed: [],
      refused: 0,
    })
    const more = assignments([three], { base: '1', result: '2', removed: ['t1', 'nope'] })
    expect(set.apply(more)).toEqual({ tasks: [three], removed: ['t1'], refused: 0 })
    expect(set.apply(more)).toBe(null)
    const again = set.apply(assignments([two], { result: '7' }))
    expect(again).toEqual({ tasks: [two], removed: ['t3'], refused: 0 })
    set.suspend()
    expect(set.apply(assignments([], { base: '7', result: '8' }))).toBe(null)
    expect(set.has('t2')).toBe(true)
  })

  test('secrets are passed over', () => {
    const message = create(AssignmentsMessageSchema, {
      changes: [
        { assignment: { item: { case: 'secret', value: { id: 's' } } } },
        { action: AssignmentAction.UPDATE },
      ],
    })
    const nothing = { tasks: [], removed: [], refused: 0 }
    expect(new AssignmentSet().apply(message)).toEqual(nothing)
  })

  test('beyond TASKS_MAX are refused', () => {
    const set = new AssignmentSet()
    const task = attachmentTask('t', 'x')
    const tasks = Array.from({ length: TASKS_MAX + 1 }, (_, i) => ({ ...task, id: `t${i}` }))
    const changes = set.apply(assignments(tasks, { result: '1' }))
    expect(changes?.tasks).toHaveLength(TASKS_MAX)
    expect(changes?.refused).toBe(1)
  })

  test('whose ID is none, or longer than TASK_ID_CHARACTERS_MAX, are refused', () => {
    const set = new AssignmentSet()
    const longest = 'x'.repeat(TASK_ID_CHARACTERS_MAX)
    const tasks = ['', longest, `${longest}x`].map((id) => attachmentTask(id, 'c'))
    const changes = set.apply(assignments(tasks, { result: '1' }))
    expect(changes?.tasks.map(({ id }) => id)).toEqual([longest])
    expect(changes?.refused).toBe(2)
  })
})

describe('statuses', () => {
  const report = (state: TaskState): Parameters<StatusReports['report']>[1] => {
    return { state, message: '', err: '' }
  }

  test('rise, and are told again in each session', async () => {
    const bench = await new SessionBench().begin()
    bench.reports.report('t1', report(TaskState.RUNNING))
    bench.reports.report('t1', report(TaskState.READY))
    await bench.clock.advance(0)
    const { updates } = bench.manager.notes
    expect(updates.map(({ status }) => status?.state)).toEqual([TaskState.RUNNING])
    expect(updates[0]?.status?.timestamp).toBeDefined()
    bench.manager.say(swarmError('ERR_ABORTED', 'node must disconnect', { subject: 'node1' }))
    bench.reports.report('t2', report(TaskState.REJECTED))
    bench.reports.forget('t2')
    await bench.clock.advance(1000)
    const ids = updates.map(({ taskId }) => taskId)
    expect(ids.filter((id) => id === 't1')).toHaveLength(2)
  })

  test('go UPDATES_MAX at a time', () => {
    const reports = new StatusReports(new VirtualClock())
    for (let i = 0; i <= UPDATES_MAX; i++) reports.report(`t${i}`, report(TaskState.RUNNING))
    expect(reports.take()).toHaveLength(UPDATES_MAX)
    expect(reports.take()).toHaveLength(1)
    expect(reports.take()).toHaveLength(0)
  })
})
