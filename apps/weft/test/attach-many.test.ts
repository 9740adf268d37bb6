/** Many endpoints by one command: how they are named, what is printed, what failed. */
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { endpointOfWord, PID_MAX } from '../src/options/attachment-list.ts'
import { recordedEngine, runWeft, type Answer, type Printed } from './recorded-engine.ts'

const attached = (name: string) => ({ name, networkName: 'blue', state: 'running', error: '' })

/** The daemon's answer: a line for each, as they come to be. */
const answering = (...lines: readonly object[]): Answer => {
  const body = lines.map((line) => `${JSON.stringify(line)}\n`).join('')
  return { method: 'POST', path: '/weft/attachments', body, isText: true }
}

const TAKEN = { message: 'address 10.0.0.9 is taken', code: 'ERR_ALREADY_EXISTS' }

test('words and a file are asked for together, in this order', async () => {
  const outcomes = Array.from({ length: 4 }, (_, index) => {
    return { index, attachment: attached(`c${index + 1}`) }
  })
  await using engine = await recordedEngine([answering(...outcomes)])
  const list = [
    { name: 'c3', netns: 'c3.ns', ip: '10.0.0.7', alias: 'db', ifname: 'net1' },
    { name: 'c4', pid: 12, network: 'red', alias: ['x', 'y'] },
  ]
  const read: string[] = []
  const readText = (path: string): Promise<string> => {
    read.push(path)
    return Promise.resolve(JSON.stringify(list))
  }
  const words = ['attach', '--network', 'blue', '--ifname', 'net0', '--from', '-']
  const more = ['c1=/run/netns/c1', 'c2=4711']
  const printed = await runWeft([...words, ...more], engine.socketPath, { readText })
  expect(printed).toEqual({ out: 'blue/c1\nblue/c2\nblue/c3\nred/c4\n', err: '', status: 0 })
  expect(read).toEqual(['-'])
  const rest = { network: 'blue', aliases: [], ifname: 'net0', address: null }
  expect(engine.received.map(({ body }) => body)).toEqual([
    [
      { ...rest, name: 'c1', netns: '/run/netns/c1' },
      { ...rest, name: 'c2', netns: '/proc/4711/ns/net' },
      {
        ...{ network: 'blue', name: 'c3', aliases: ['db'], netns: resolve('c3.ns') },
        ...{ ifname: 'net1', address: '10.0.0.7' },
      },
      { ...rest, network: 'red', name: 'c4', aliases: ['x', 'y'], netns: '/proc/12/ns/net' },
    ],
  ])
})

const PARTLY = answering(
  { index: 1, error: { message: 'no such network namespace', code: 'ERR_ATTACHMENT_MISSING' } },
  { index: 2, attachment: attached('c3') },
  { index: 0, error: TAKEN },
)
const THREE = ['attach', '--network', 'blue', 'c1=/x', 'c2=/nowhere', 'c3=/z']

test('what failed is named, one by one in the order asked, and what holds stays', async () => {
  await using engine = await recordedEngine([PARTLY])
  expect(await runWeft(THREE, engine.socketPath)).toEqual({
    out: 'blue/c3\n',
    err: [
      'blue/c1: Error response from daemon: address 10.0.0.9 is taken',
      'blue/c2: Error response from daemon: no such network namespace',
      '2 of 3 not attached\n',
    ].join('\n'),
    status: 1,
  })
})

test('--json is one list, in the order asked, of what holds and what does not', async () => {
  await using engine = await recordedEngine([PARTLY])
  const { out, err, status } = await runWeft([...THREE, '--json'], engine.socketPath)
  const failed = { networkName: 'blue', state: 'failed' }
  expect(JSON.parse(out)).toEqual([
    { ...failed, name: 'c1', netns: '/x', error: TAKEN.message, code: TAKEN.code },
    {
      ...{ ...failed, name: 'c2', netns: '/nowhere' },
      ...{ error: 'no such network namespace', code: 'ERR_ATTACHMENT_MISSING' },
    },
    attached('c3'),
  ])
  expect(err).toContain('2 of 3 not attached')
  expect(status).toBe(1)
})

test('an answer that breaks off says so after what is known, in JSON too', async () => {
  const line = { index: 1, attachment: attached('c2') }
  const problem = 'the answer broke off, and what came of 2 attachments is not known'
  const err = `Error response from daemon: ${problem}\n`
  await using engine = await recordedEngine([answering(line), answering(line)])
  expect(await runWeft(THREE, engine.socketPath)).toEqual({ out: 'blue/c2\n', err, status: 1 })
  const json = await runWeft([...THREE, '--json'], engine.socketPath)
  expect([JSON.parse(json.out), json.err]).toEqual([[attached('c2')], err])
})

test('on a terminal it is said how many are attached, and the line goes', async () => {
  await using engine = await recordedEngine([answering({ index: 0, attachment: attached('c1') })])
  let shown = ''
  const err = { isTerminal: true, write: (text: string) => void (shown += text) }
  await runWeft(['attach', '--network', 'blue', '--json', 'c1=/x'], engine.socketPath, { err })
  const line = (count: number): string => `\r\x1b[Kweft: attaching endpoints: ${count} of 1 …`
  expect(shown).toBe(`${line(0)}${line(1)}\r\x1b[K`)
})

test.each([
  [['c1'], 'invalid argument "c1": say NAME=NETNS'],
  [['=x'], 'invalid argument "=x"'],
  [['c1='], 'invalid argument "c1="'],
  [['c1=/x', '--ip', '10.0.0.2'], '--ip is of one endpoint'],
  [['c1=/x', '--name', 'c2'], '--name is of one endpoint'],
])('%j is refused with status 125, before anything is asked', async (words, problem) => {
  const line = ['attach', '--network', 'blue', ...words]
  const { err, status } = await runWeft(line, '/nonexistent')
  expect(err).toContain(problem)
  expect(status).toBe(125)
})

test('without a network for all, each has to say its own', async () => {
  const { err, status } = await runWeft(['attach', 'c1=/x'], '/nonexistent')
  expect([err, status]).toEqual(['required flag(s) "network" not set\n', 125])
})

const ofFile = (text: string): Promise<Printed> => {
  const readText = (): Promise<string> => Promise.resolve(text)
  return runWeft(['attach', '--from', 'all.json'], '/nonexistent', { readText })
}
test.each([
  ['{', 'all.json: no JSON: '],
  ['{}', 'all.json: not a list of endpoints'],
  ['[7]', 'all.json: endpoint 1: not an object'],
  ['[{"name":"c1","network":"b","pid":7},{"name":"c2"}]', 'endpoint 2 (c2): it has no network'],
  ['[{"network":"b","netns":"/x"}]', 'endpoint 1: it has no name'],
  ['[{"name":"c1","network":"b"}]', 'endpoint 1 (c1): say either netns or pid'],
  ['[{"name":"c1","network":"b","netns":"/x","pid":7}]', 'say either netns or pid'],
  ['[{"name":"c1","network":"b","pid":"self"}]', 'pid is not a process number: "self"'],
  ['[{"name":"c1","network":"b","pid":[]}]', 'pid is not a process number: []'],
  ['[{"name":7}]', 'name is not a text: 7'],
  ['[{"name":"c1","network":"b","netns":"/x","alias":[7]}]', 'alias is neither a text nor a list'],
  ['[{"nmae":"c1"}]', 'there is no field "nmae". Did you mean \'name\'?'],
])('a file that says %s is refused with status 125, by its place', async (text, problem) => {
  const { err, status } = await ofFile(text)
  expect(err).toContain(problem)
  expect(status).toBe(125)
})

test('digits are a process, up to PID_MAX; else a path', () => {
  const forAll = { network: 'blue', ifname: null }
  const placeOf = (word: string): string => endpointOfWord(word, forAll).netns
  expect(placeOf(`c1=${PID_MAX}`)).toBe(`/proc/${PID_MAX}/ns/net`)
  expect(placeOf(`c1=${PID_MAX + 1}`)).toBe(resolve(String(PID_MAX + 1)))
  expect(placeOf('c1=./4711')).toBe(resolve('4711'))
  expect(placeOf('c1=/run/a=b')).toBe('/run/a=b')
})
