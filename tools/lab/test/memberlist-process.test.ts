/** Nodes of HashiCorp's memberlist obey, tell, and are missed when they are gone. */
import { afterAll, describe, expect, it } from 'vitest'
import { eventually } from '../src/eventually.ts'
import { MemberlistProcess, type MemberlistOptions } from '../src/memberlist-process.ts'
import { buildMemberlistProgram, memberlistPackages } from '../src/memberlist-program.ts'
import { tierReport } from '../src/tier-report.ts'

const tier = (await tierReport()).find((one) => one.tier === 'memberlist')
const lacking = tier?.usable === true ? '' : ` (this machine has no ${tier?.missing.join(', ')})`
const program = lacking === '' ? buildMemberlistProgram() : null
afterAll(() => program?.[Symbol.dispose]())

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))

function open(name: string, options: Partial<MemberlistOptions> = {}): Promise<MemberlistProcess> {
  return MemberlistProcess.open([program?.path ?? ''], {
    name,
    bind: '127.0.0.1',
    port: 0,
    keys: [],
    compress: true,
    meta: bytes(`meta of ${name}`),
    state: bytes(`state of ${name}`),
    timing: { probeIntervalMs: 200, probeTimeoutMs: 100, gossipIntervalMs: 50 },
    ...options,
  })
}

describe.skipIf(program === null)(`memberlist processes${lacking}`, () => {
  it('join, talk and leave', async () => {
    await using one = await open('one')
    await using two = await open('two')
    await two.join(one.address)
    const members = [...(await one.members())].sort((a, b) => (a.name < b.name ? -1 : 1))
    expect(members).toEqual([
      { name: 'one', address: one.address, meta: bytes('meta of one') },
      { name: 'two', address: two.address, meta: bytes('meta of two') },
    ])
    await two.setMeta(bytes('other'))
    await one.send(bytes('hello'), { how: 'stream', to: 'two' })
    await two.leave()
    const told = [
      { kind: 'state', bytes: bytes('state of two'), join: true },
      { kind: 'join', name: 'two', address: two.address, meta: bytes('meta of two') },
      { kind: 'update', name: 'two', address: two.address, meta: bytes('other') },
      { kind: 'leave', name: 'two', address: two.address, meta: bytes('other') },
    ]
    await eventually(() => expect(one.events).toEqual(expect.arrayContaining(told)), {
      withinMs: 10_000,
    })
    await eventually(
      () => expect(two.events).toContainEqual({ kind: 'user', bytes: bytes('hello') }),
      { withinMs: 10_000 },
    )
  })

  it('change keys, and say why they refuse one', async () => {
    const key = new Uint8Array(16).fill(1)
    await using node = await open('one', { keys: [key] })
    await expect(node.changeKeys('remove', key)).rejects.toThrow(/primary key/)
    await expect(node.changeKeys('install', new Uint8Array(5))).rejects.toThrow(/16, 24 or 32/)
    await node.changeKeys('install', new Uint8Array(32))
    await node.changeKeys('use', new Uint8Array(32))
    await node.changeKeys('remove', key)
  })

  it('fail their commands when they cannot obey, or are gone', async () => {
    await using node = await open('one')
    await expect(node.join('127.0.0.1:1')).rejects.toThrow(/refused/)
    await expect(node.send(bytes('x'), { how: 'packet', to: 'two' })).rejects.toThrow(/two/)
    node.signal('SIGKILL')
    const gone = expect.objectContaining({ code: 'ERR_PROCESS_GONE' })
    await expect(node.leave()).rejects.toEqual(gone)
    await expect(node.leave()).rejects.toEqual(gone)
  })

  it('do not start where they cannot listen', async () => {
    const opened = open('one', { bind: '192.0.2.1' })
    const ending: unknown = expect.stringMatching(/^exit code 1: .*192\.0\.2\.1/)
    await expect(opened).rejects.toMatchObject({ code: 'ERR_PROCESS_GONE', details: { ending } })
  })

  it('come from packages that have versions', () => {
    expect(memberlistPackages()).toContainEqual(expect.stringMatching(/memberlist-dev \d/))
  })
})
