/** Our refusals against those of real engines: word for word, or listed with a reason. */
import { describe, expect, test } from 'vitest'
import { swarmError, type SwarmErrorCode } from '@weft/swarm'
import { recorded, requestOf, type Recorded } from './recorded.ts'
import { controlOf, rig, type Rig } from './scripted-node.ts'

/** Answers that are Docker's, to the letter. */
const SAME = [
  ...['inactive swarm', 'inactive nodes', 'inactive node', 'inactive leave', 'inactive unlockkey'],
  ...['inactive unlock', 'inactive update', 'inactive node remove', 'inactive network'],
  ...['page not found', 'too new', 'too old', 'wrong method', 'init no body', 'init not json'],
  ...['init again', 'join again'],
  ...['leave last', 'update no version', 'update bad version', 'update old version', 'unlock'],
  ...['update renamed', 'worker swarm', 'worker nodes', 'worker node', 'worker update'],
  ...['worker unlockkey', 'worker init', 'worker create', 'worker network', 'worker remove'],
  ...['node by hostname', 'node missing', 'nodes by bad filter', 'node update no version'],
  ...['node update no body', 'node update bad role', 'node update bad availability'],
  ...['node update missing', 'remove missing', 'create twice', 'network missing', 'network local'],
  ...['network bad scope', 'network bad verbose', 'by bad dangling', 'by bad filter'],
  ...['create no body', 'create reserved', 'create bad type', 'create not json'],
  ...['network ambiguous', 'remove ambiguous', 'remove network missing', 'prune bad filter'],
  ...['events swapped'],
]

/** What the control plane refuses: told with the status and the words in front that gRPC has. */
const REFUSED: Readonly<Record<string, SwarmErrorCode>> = {
  'update short certificate': 'ERR_INVALID_ARGUMENT',
  'node update old': 'ERR_OUT_OF_SEQUENCE',
  'demote last': 'ERR_PRECONDITION',
  'remove up': 'ERR_PRECONDITION',
  'remove self': 'ERR_PRECONDITION',
  'remove used': 'ERR_PRECONDITION',
  'create bad name': 'ERR_INVALID_ARGUMENT',
  'create long name': 'ERR_INVALID_ARGUMENT',
  'create bad gateway': 'ERR_INVALID_ARGUMENT',
  'create wrong gateway': 'ERR_INVALID_ARGUMENT',
  'create bad range': 'ERR_INVALID_ARGUMENT',
  'create second ingress': 'ERR_ALREADY_EXISTS',
}

interface Difference {
  readonly status?: number
  /** What of the message is ours. */
  readonly says?: RegExp
  readonly why: string
}

/** Where our answer is another, on purpose. */
const DIFFERENT: Readonly<Record<string, Difference>> = {
  'inactive create': { status: 503, why: 'as all other calls that need a manager' },
  'inactive services': { status: 501, says: /^Weft has no services/, why: 'there are none' },
  'init bad port': { status: 400, why: 'the request is wrong, not the server' },
  'init bad availability': { status: 400, why: 'the request is wrong, not the server' },
  'nodes by bad role': { status: 400, why: 'the request is wrong, not the server' },
  'nodes by bad membership': { status: 400, why: 'the request is wrong, not the server' },
  'by bad type': { status: 400, why: 'the request is wrong, not the server' },
  'nodes by no json': { status: 400, says: /^filters must be/, why: 'what was expected is told' },
  'by no json': { status: 400, says: /^filters must be/, why: 'what was expected is told' },
  'events bad': { status: 400, says: /^failed to parse value as time/, why: 'dates are taken too' },
  'prune bad until': { status: 400, why: 'the request is wrong, not the server' },
  'update bad rotate': { says: /maybe: strconv.ParseBool/, why: 'the reason is told everywhere' },
  'create bad driver': { says: /^plugin "moon" not found: .*overlay/, why: 'names what is there' },
  'create bad scope': { status: 501, says: /scope "moon"/, why: 'Docker passes it over' },
  'events bad filter': { status: 400, says: /^Invalid filter/, why: 'Docker passes it over' },
  'create bad subnet': { status: 400, why: 'the request is wrong, not the server' },
  connect: { status: 501, says: /weft attach/, why: 'no containers' },
}

describe('refusals are those of Docker 20.10', () => {
  test.each(SAME)('%s', async (name) => {
    const wanted = recorded(name)
    const { status, message } = await told(setUp(wanted), wanted)
    expect(message).toBe(messageOf(wanted.answer))
    expect(status).toBe(wanted.status)
  })

  test.each(Object.entries(REFUSED))('%s: refused by the control plane', async (name, code) => {
    const wanted = recorded(name)
    const words = messageOf(wanted.answer)
    const one = setUp(wanted)
    const message = words.replace(/^rpc error: code = \w+ desc = /, '')
    const details = { subject: 'x', owner: 'y', problem: 'z' }
    controlOf(one).refusal = swarmError(code, message, details)
    const shown = await told(one, wanted)
    expect(shown).toEqual({ status: wanted.status, message: words, code, details })
  })

  test.each(Object.entries(DIFFERENT))('%s: another on purpose', async (name, difference) => {
    const wanted = recorded(name)
    const shown = await told(setUp(wanted), wanted)
    expect(shown.status).toBe(difference.status ?? wanted.status)
    if (difference.says !== undefined) expect(shown.message).toMatch(difference.says)
    else expect(shown.message).toBe(messageOf(wanted.answer))
    const isSame = wanted.status === shown.status && messageOf(wanted.answer) === shown.message
    expect(isSame).toBe(false)
  })
})

/** The state that the engine was in when it was asked. */
function setUp({ name }: Recorded): Rig {
  const outside = /^(inactive|init|too|page|wrong)/.test(name) && name !== 'init again'
  const one = rig(outside ? null : name.startsWith('worker') ? 'worker' : 'manager')
  if (!name.endsWith('ambiguous')) return one
  const answer = recorded('many').answer as { Id: string }[]
  const [first] = controlOf(one).networkObjects
  if (first === undefined) throw new Error('no networks')
  controlOf(one).networkObjects = answer.map(({ Id }) => ({ ...first, id: Id }))
  return one
}

async function told({ api }: Rig, wanted: Recorded): Promise<{ status: number; message: string }> {
  const response = await api(requestOf(wanted))
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true
  const body = isJson ? (JSON.parse(text) as { message: string }) : { message: text }
  const isCode = 'code' in body && SAME.includes(wanted.name)
  return { status: response.status, ...(isCode ? { message: body.message } : body) }
}

function messageOf(answer: unknown): string {
  if (typeof answer === 'string') return answer
  return (answer as { message?: string } | null)?.message ?? ''
}
