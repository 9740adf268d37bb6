/** GET /events: what is told, to whom, and when it ends. */
import type { AttachmentView } from '@weft/swarm'
import { describe, expect, test } from 'vitest'
import { EVENT_BACKLOG_MAX, EVENT_LISTENERS_MAX, EVENTS_KEPT_MAX } from '../src/index.ts'
import type { NetworkJson } from '../src/objects/network-json.ts'
import type { EventJson } from '../src/objects/system-json.ts'
import type { NodeJson } from '../src/objects/node-json.ts'
import { localNetworkOf, nodeOf } from './from-json.ts'
import { answerOf } from './recorded.ts'
import { controlOf, rig, type Rig } from './scripted-node.ts'

const linesOf = (text: string): EventJson[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as EventJson)

const past = async (one: Rig, query = ''): Promise<EventJson[]> => {
  const until = Math.floor(one.clock.wall() / 1000)
  return linesOf(await (await one.get(`/events?since=0&until=${until}${query}`)).text())
}
const filtered = (filters: object): string =>
  `&filters=${encodeURIComponent(JSON.stringify(filters))}`

/** Blue, as the network that the recorded worker had. */
const blue = localNetworkOf(answerOf<NetworkJson>('worker network verbose'))
const blueName = 'blue'

describe('what is told', () => {
  test('a stored network, dated as Docker dates it, to the nanosecond', async () => {
    const one = rig('manager')
    const object = controlOf(one).networkObjects.find(({ id }) => id === blue.network.id)
    if (object === undefined) throw new Error('no network')
    controlOf(one).tell({ kind: 'network', action: 'create', object })
    const text = await (await one.get(`/events?since=0&until=${one.clock.wall() / 1000}`)).text()
    const docker = String(answerOf('events created')).split('\n')[0]
    expect(text).toBe(`${docker}\n`)
  })

  test('a node that got ready, was drained, was removed', async () => {
    const one = rig('manager')
    const control = controlOf(one)
    const ready = nodeOf(answerOf<NodeJson>('node worker'))
    const drained = nodeOf(answerOf<NodeJson>('node updated'))
    const fresh = { ...ready, description: undefined, status: undefined }
    control.tell({ kind: 'node', action: 'create', object: { ...fresh, id: 'new' } })
    control.tell({ kind: 'node', action: 'update', object: { ...ready, id: 'new' } })
    control.tell({ kind: 'node', action: 'update', object: { ...drained, id: 'new' } })
    control.tell({ kind: 'node', action: 'remove', object: { ...drained, id: 'new' } })
    const told = await past(one)
    expect(told.map(({ Action, Actor }) => [Action, Actor.Attributes])).toEqual([
      ['create', { name: '' }],
      ['update', { name: 'vm', 'state.new': 'ready', 'state.old': 'unknown' }],
      ['update', { 'availability.new': 'drain', 'availability.old': 'active', name: 'w' }],
      ['remove', { name: 'w' }],
    ])
    const docker = linesOf(String(answerOf('events node'))).map(({ Actor }) => Actor.Attributes)
    for (const { Actor } of told.slice(0, 3)) expect(docker).toContainEqual(Actor.Attributes)
  })

  test('networks that come to the node and go, with their endpoints', async () => {
    const one = rig('worker')
    const show = (attachments: readonly AttachmentView[]): void => {
      one.node.attachmentList = [...attachments]
      one.node.events.emit('attachmentsChanged', {})
    }
    const asked = { ...blue.attachments[0], networkId: '', state: 'pending' } as AttachmentView
    show([asked])
    show(blue.attachments)
    show(blue.attachments)
    show(blue.attachments.map((one) => ({ ...one, state: 'failed' })))
    show([])
    const ours = blue.attachments.map(({ endpointId }) => ['connect', endpointId])
    const told = (await past(one)).map(({ Action, Actor, scope }) => {
      return [Action, Actor.Attributes['container'], scope]
    })
    expect(told).toEqual([
      ['create', undefined, 'local'],
      ...ours.map(([, id]) => ['connect', id, 'local']),
      ...ours.map(([, id]) => ['disconnect', id, 'local']),
      ['destroy', undefined, 'local'],
    ])
    expect((await past(one))[0]?.Actor.Attributes).toEqual({ name: blueName, type: 'overlay' })
  })

  test('what a control plane stores that came later, and nothing after it went', async () => {
    const one = rig()
    one.node.become('manager')
    const control = controlOf(one)
    const [object] = control.networkObjects
    if (object === undefined) throw new Error('no network')
    control.tell({ kind: 'network', action: 'update', object })
    await one.node.leave({ force: true })
    expect(control.watchers.size).toBe(0)
    expect(await past(one)).toHaveLength(1)
  })
})

describe('who hears what', () => {
  const filters: readonly (readonly [object, boolean])[] = [
    [{ type: ['network'] }, true],
    [{ type: ['node'] }, false],
    [{ event: ['update'] }, true],
    [{ event: ['create'] }, false],
    [{ scope: ['swarm'] }, true],
    [{ scope: ['local'] }, false],
    [{ network: ['full'] }, true],
    [{ network: ['blue'] }, false],
    [{ node: ['vm'] }, false],
    [{ container: ['c1'] }, false],
    [{ label: ['name=full'] }, true],
    [{ label: ['name=blue'] }, false],
  ]
  test.each(filters)('%j', async (filter, isHeard) => {
    const one = rig('manager')
    const control = controlOf(one)
    const object = control.networkObjects.find(({ spec }) => spec?.annotations?.name === 'full')
    if (object === undefined) throw new Error('no network')
    control.tell({ kind: 'network', action: 'update', object })
    expect(await past(one, filtered(filter))).toHaveLength(isHeard ? 1 : 0)
  })
})

describe('when it ends', () => {
  const tell = (one: Rig, times: number): void => {
    const control = controlOf(one)
    const [object] = control.networkObjects
    if (object === undefined) throw new Error('no network')
    for (let i = 0; i < times; i++) control.tell({ kind: 'network', action: 'remove', object })
  }

  test('at its end in the future', async () => {
    const one = rig('manager')
    const until = one.clock.wall() / 1000 + 5
    const response = await one.get(`/events?until=${until}`)
    tell(one, 1)
    await one.clock.advance(4_000)
    tell(one, 1)
    await one.clock.advance(2_000)
    tell(one, 1)
    expect(linesOf(await response.text())).toHaveLength(2)
    expect(one.clock.pending).toBe(0)
  })

  test('when the reader goes', async () => {
    const one = rig('manager')
    const response = await one.get('/events?until=99999999999')
    expect((await (await one.get('/info')).json()) as object).toMatchObject({ NEventsListener: 1 })
    await response.body?.cancel()
    expect((await (await one.get('/info')).json()) as object).toMatchObject({ NEventsListener: 0 })
    expect(one.clock.pending).toBe(0)
  })

  test('when the API ends', async () => {
    const one = rig('manager')
    const response = await one.get('/events')
    tell(one, 1)
    const control = controlOf(one)
    one.api[Symbol.dispose]()
    tell(one, 1)
    expect(linesOf(await response.text())).toHaveLength(1)
    expect(control.watchers.size).toBe(0)
  })

  test(`the last ${EVENTS_KEPT_MAX} are kept`, async () => {
    const one = rig('manager')
    tell(one, EVENTS_KEPT_MAX)
    expect(await past(one)).toHaveLength(EVENTS_KEPT_MAX)
    tell(one, 1)
    expect(await past(one)).toHaveLength(EVENTS_KEPT_MAX)
  })

  test(`when a reader leaves ${EVENT_BACKLOG_MAX} unread`, async () => {
    const one = rig('manager')
    const response = await one.get('/events')
    tell(one, EVENT_BACKLOG_MAX - 1)
    expect((await (await one.get('/info')).json()) as object).toMatchObject({ NEventsListener: 1 })
    tell(one, 1)
    expect((await (await one.get('/info')).json()) as object).toMatchObject({ NEventsListener: 0 })
    expect(linesOf(await response.text())).toHaveLength(EVENT_BACKLOG_MAX)
  })

  test(`at once for listener ${EVENT_LISTENERS_MAX + 1}`, async () => {
    const one = rig('manager')
    for (let i = 0; i < EVENT_LISTENERS_MAX; i++) {
      expect((await one.get('/events')).status).toBe(200)
    }
    const refused = await one.get('/events')
    expect(refused.status).toBe(503)
    one.api[Symbol.dispose]()
  })
})
