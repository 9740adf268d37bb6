/** What is typed is understood as Docker's client understands it, and refused by name. */
import { expect, test } from 'vitest'
import { createEngineClient, socketFetch } from '@weft/engine-api/client'
import type { CommandSpec } from '../src/command.ts'
import { readWords } from '../src/command-words.ts'
import { hostOf, SOCKET_PATH_BYTES_MAX } from '../src/host.ts'
import { nearest, SLIPS_MAX } from '../src/nearest.ts'
import { COMMANDS, GROUPS } from '../src/program.ts'
import { recordedEngine, runWeft, type Answer } from './recorded-engine.ts'

const NOBODY = '/nonexistent/weft.sock'

const everything: readonly (readonly [path: string, CommandSpec])[] = [
  ...COMMANDS.map((command) => [command.name, command] as const),
  ...GROUPS.flatMap(({ name, commands }) =>
    commands.map((command) => [`${name} ${command.name}`, command] as const),
  ),
]

test.each(everything)('%s --help shows usage, every option and examples', async (path, command) => {
  const { out, err, status } = await runWeft([...path.split(' '), '--help'], NOBODY)
  expect({ err, status }).toEqual({ err: '', status: 0 })
  expect(out).toContain(`Usage:  weft ${path}`)
  expect(out).toContain(command.summary)
  for (const { name, about } of command.options) {
    expect(out).toContain(`--${name}`)
    expect(about).not.toBe('')
  }
  expect(command.examples.length).toBeGreaterThan(0)
  for (const example of command.examples) expect(out).toContain(`\n  weft ${example}\n`)
})

test.each(everything)('the examples of %s are what the command takes', (path, command) => {
  for (const example of command.examples) {
    expect(example.startsWith(path)).toBe(true)
    const words = shellWords(example.slice(path.length))
    const { options, passesThrough = false } = command
    const help = (): void => undefined
    const { operands } = readWords({ path, options, passesThrough }, words, { help })
    expect(operands.length).toBeGreaterThanOrEqual(command.operands.countMin)
    expect(operands.length).toBeLessThanOrEqual(command.operands.countMax)
  }
})

/** Words of a line with single quotes, up to a redirection. */
function shellWords(line: string): string[] {
  const words = [...line.matchAll(/'[^']*'|[^\s']+/g)].map(([word]) => word)
  const end = words.indexOf('>')
  return words.slice(0, end < 0 ? words.length : end).map((word) => word.replaceAll("'", ''))
}

test('without a command, with help and with a group alone, help is shown', async () => {
  const root = await runWeft([], NOBODY)
  expect(root.out).toContain('Management Commands:')
  expect((await runWeft(['--help'], NOBODY)).out).toBe(root.out)
  expect((await runWeft(['help'], NOBODY)).out).toBe(root.out)
  const group = await runWeft(['network'], NOBODY)
  expect(group.out).toContain('Usage:  weft network COMMAND')
  expect((await runWeft(['help', 'network'], NOBODY)).out).toBe(group.out)
  const command = await runWeft(['help', 'network', 'create'], NOBODY)
  expect(command.out).toContain('--aux-address')
  expect((await runWeft(['--version'], NOBODY)).out).toMatch(/^Weft version \d/)
})

test('what is no command is named, with the nearest that is one', async () => {
  expect(await runWeft(['dance'], NOBODY)).toEqual({
    out: '',
    err: "weft: 'dance' is not a weft command.\nSee 'weft --help'\n",
    status: 1,
  })
  const near = await runWeft(['netwrok', 'ls'], NOBODY)
  expect(near.err).toContain("is not a weft command. Did you mean 'network'?\nSee")
  const inGroup = await runWeft(['network', 'lst'], NOBODY)
  const first = "weft: 'lst' is not a command of 'weft network'. Did you mean 'ls'?\n"
  expect(inGroup.err.startsWith(first)).toBe(true)
  expect(inGroup.err).toContain('Usage:  weft network COMMAND')
  expect(inGroup.status).toBe(1)
})

test('near is at most SLIPS_MAX slips away, or the beginning', () => {
  const names = ['attach', 'attachments', 'detach', 'ls', 'inspect']
  const cases = [
    ['atach', 'attach'],
    ['attahc', 'attach'],
    ['x'.repeat(SLIPS_MAX) + 'etach', 'detach'],
    ['x'.repeat(SLIPS_MAX + 1) + 'etach', null],
    ['insp', 'inspect'],
    ['sl', 'ls'],
    // Everything of one or two letters is two slips from `ls`.
    ['x', null],
    ['', null],
  ] as const
  expect(cases.map(([typed]) => nearest(typed, names))).toEqual(cases.map(([, name]) => name))
})

test.each([
  [['network', 'ls', '--colour'], 'unknown flag: --colour'],
  [['network', 'ls', '--colour=red'], 'unknown flag: --colour'],
  [['--colour', 'network', 'ls'], 'unknown flag: --colour'],
  [['network', 'create', '--subnets=a', 'b'], "--subnets. Did you mean '--subnet'?\nSee 'weft"],
  [
    ['swarm', 'init', '--default-addr-pool', '10.1.0.0/16,10.0.0.0/33'],
    'invalid argument "10.1.0.0/16,10.0.0.0/33" for "--default-addr-pool" flag: ' +
      "invalid string being converted to CIDR: 10.0.0.0/33\nSee 'weft swarm init --help'.",
  ],
  [['status', '-j'], "unknown shorthand flag: 'j' in -j"],
  [['attach', '--name'], 'flag needs an argument: --name'],
  [['status', '--json=perhaps'], 'strconv.ParseBool: parsing "perhaps"'],
  [['attach', '--name', 'c1', '--netns', '/x'], 'required flag(s) "network" not set'],
  [['attach', '--name', 'c1', '--network', 'blue'], 'say either --netns or --pid'],
  [['detach', 'a', '--name', 'b'], 'say endpoints'],
  [['run', '--network', 'blue', '--', 'true'], 'required flag(s) "name" not set'],
])('%s is refused with status 125', async (words, problem) => {
  const { err, status } = await runWeft(words, NOBODY)
  expect(err).toContain(problem)
  expect(status).toBe(125)
})

test('switches may be told their value, as those of Go', async () => {
  const body = { state: 'inactive' }
  const answers: Answer[] = [{ method: 'GET', path: '/weft/peers', body: [] }]
  await using engine = await recordedEngine(answers)
  expect((await runWeft(['peers', '--json=true'], engine.socketPath)).out).toBe('[]\n')
  expect((await runWeft(['peers', '--json=0'], engine.socketPath)).out).toContain('NAME')
  expect(body.state).toBe('inactive')
})

test('the daemon is where -H, WEFT_HOST or DOCKER_HOST say, in this order', () => {
  const env = { WEFT_HOST: 'unix:///w.sock', DOCKER_HOST: 'unix:///d.sock' }
  expect(hostOf('unix:///o.sock', env).socketPath).toBe('/o.sock')
  expect(hostOf(null, env).socketPath).toBe('/w.sock')
  expect(hostOf(null, { ...env, WEFT_HOST: '' }).socketPath).toBe('/d.sock')
  expect(hostOf(null, {}).url).toBe('unix:///run/weft/weft.sock')
  const longest = `/${'s'.repeat(SOCKET_PATH_BYTES_MAX - 1)}`
  expect(hostOf(`unix://${longest}`, {}).socketPath).toBe(longest)
  expect(() => hostOf(`unix://${longest}s`, {})).toThrow(/longer than 107 bytes/)
  expect(() => hostOf('tcp://127.0.0.1:2375', {})).toThrow(/Unix sockets only/)
})

test('whoever is not there, or not to be talked to, is named', async () => {
  const absent = await runWeft(['network', 'ls'], NOBODY)
  expect(absent).toEqual({
    out: '',
    err: `Cannot connect to the Weft daemon at unix://${NOBODY}. Is weftd running?\n`,
    status: 1,
  })
  const connect = (): ReturnType<typeof createEngineClient> =>
    createEngineClient(() => Promise.reject(Object.assign(new Error('no'), { code: 'EACCES' })))
  const refused = await runWeft(['network', 'ls'], NOBODY, { connect })
  expect(refused.err).toContain('Got permission denied while trying to connect to the Weft daemon')
})

test('what answers and is no engine is named, with ERR_ENGINE_ANSWER behind it', async () => {
  const answers = [{ method: 'GET', path: '/networks', status: 500, body: 'moved' }]
  await using engine = await recordedEngine(answers)
  const { err, status } = await runWeft(['network', 'ls'], engine.socketPath)
  expect(err).toContain('the answer is not from an engine')
  expect(status).toBe(1)
})

test('an interrupted command says nothing and ends with 130', async () => {
  const interruption = new AbortController()
  interruption.abort()
  const connect = (path: string): ReturnType<typeof createEngineClient> =>
    createEngineClient(socketFetch(path))
  const changes = { signal: interruption.signal, connect }
  const printed = await runWeft(['network', 'ls'], NOBODY, changes)
  expect(printed).toEqual({ out: '', err: '', status: 130 })
})
