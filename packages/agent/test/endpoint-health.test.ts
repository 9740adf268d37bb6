/** What the dataplane's failures mean for endpoints that were running. */
import { parseInterfaceAddress, parseMac, SeededRandom, silentLogger } from '@weft/core'
import { SimEntropy, VirtualClock } from '@weft/core/testing'
import { dataplaneError, itemPath, type ItemFailure } from '@weft/dataplane'
import { TaskState } from '@weft/swarm'
import { describe, expect, test } from 'vitest'
import { AttachmentBook } from '../src/attachments/attachment-book.ts'
import {
  createEndpointId,
  grantOf,
  pendingAttachment,
  type Attachment,
} from '../src/attachments/attachment.ts'
import { EndpointHealth, MISSES_MAX } from '../src/attachments/endpoint-health.ts'
import { StatusReports } from '../src/session/status-reports.ts'
import { attachmentTask } from './scripted-services.ts'

/** A running endpoint, who judges it, and what came of it. */
class HealthBench {
  readonly book = new AttachmentBook()
  readonly removed: Attachment[] = []
  readonly reports = new StatusReports(new VirtualClock())
  readonly attachment: Attachment
  changes = 0
  readonly health = new EndpointHealth({
    book: this.book,
    attacher: { remove: async (attachment) => void this.removed.push(attachment) },
    reports: this.reports,
    log: silentLogger,
    onChange: () => this.changes++,
  })

  constructor() {
    const entropy = new SimEntropy(new SeededRandom(1))
    const target = { kind: 'netns', path: '/run/netns/c1', ifname: 'eth0' } as const
    const request = { network: 'blue', name: 'c1', aliases: [], target, address: null }
    this.attachment = pendingAttachment(createEndpointId(entropy), request)
    this.attachment.grant = grantOf(attachmentTask('t1', this.attachment.endpointId))
    this.attachment.state = 'running'
    this.book.add(this.attachment)
  }

  judge(error: ItemFailure['error'] | null): void {
    const item = itemPath.local('net1', this.attachment.endpointId)
    this.health.judge(error === null ? new Map() : new Map([[item, { item, error }]]))
  }
}

const facts = { item: 'x', attachment: '/run/netns/c1' }
const missing = dataplaneError('ERR_ATTACHMENT_MISSING', 'no such namespace', facts)
const taken = dataplaneError('ERR_CONFLICT', 'taken', { item: 'x', owner: 'interface eth0' })

describe('an endpoint', () => {
  test('has what the task says', () => {
    const { grant } = new HealthBench().attachment
    expect(grant?.addresses).toEqual([parseInterfaceAddress('10.0.1.5/24')])
    expect(grant?.mac).toBe(parseMac('02:42:0a:00:01:05'))
  })

  test('whose namespace was not there MISSES_MAX times in a row is detached', () => {
    const bench = new HealthBench()
    for (let misses = 1; misses < MISSES_MAX; misses++) bench.judge(missing)
    expect(bench.removed).toEqual([])
    bench.judge(missing)
    expect(bench.removed).toEqual([bench.attachment])
  })

  test('whose namespace came back in between is not', () => {
    const bench = new HealthBench()
    for (let round = 0; round < 3; round++) {
      for (let misses = 1; misses < MISSES_MAX; misses++) bench.judge(missing)
      bench.judge(null)
    }
    expect(bench.removed).toEqual([])
    expect(bench.attachment.state).toBe('running')
  })

  test('that fails otherwise stays, says why, and runs again', () => {
    const bench = new HealthBench()
    for (let round = 0; round <= MISSES_MAX; round++) bench.judge(taken)
    expect(bench.removed).toEqual([])
    const error = 'taken (item=x, owner=interface eth0)'
    const told = (): unknown =>
      bench.reports.take().map(({ status, taskId }) => [taskId, status?.state, status?.err])
    expect(bench.attachment).toMatchObject({ state: 'failed', error })
    expect(bench.changes).toBe(1)
    expect(told()).toEqual([['t1', TaskState.RUNNING, error]])
    bench.judge(null)
    expect(bench.attachment).toMatchObject({ state: 'running', error: '' })
    expect(bench.changes).toBe(2)
    expect(told()).toEqual([['t1', TaskState.RUNNING, '']])
  })

  test('that is still being attached is its attach’s business', () => {
    const bench = new HealthBench()
    bench.attachment.state = 'pending'
    for (let round = 0; round <= MISSES_MAX; round++) bench.judge(missing)
    expect(bench.removed).toEqual([])
    expect(bench.changes).toBe(0)
  })
})
