/** Nodes of HashiCorp's memberlist and nodes of ours are one ring, whatever happens in it. */
import {
  buildMemberlistProgram,
  tierReport,
  type MemberlistProcess,
  type MemberlistProgram,
} from '@weft/lab'
import { parseIp, ipBytes } from '@weft/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hears, Ring, stateOf, TIMING, until, type RingOptions } from './ring.ts'
import { Traffic } from './traffic.ts'

const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const key = (size: number, first: number): Uint8Array =>
  Uint8Array.from({ length: size }, (_, i) => first + i)

const META_BYTES_MAX = 512
const PACKET_BYTES = 1_000
const STREAM_BYTES = 200_000
const MANY_NODES = 500

const NAMES = ['go-1', 'weft-1', 'go-2', 'weft-2', 'weft-3', 'go-3']
/** Who joins by whom: ours by Go's, Go's by ours, and each by its own kind. */
const JOINS = [
  ['weft-1', 'go-1'],
  ['go-2', 'weft-1'],
  ['weft-2', 'weft-1'],
  ['weft-3', 'go-2'],
  ['go-3', 'go-1'],
] as const

const PLAIN: RingOptions = {
  keys: [],
  compress: false,
  timing: TIMING,
  family: 4,
  profile: 'docker',
}
const SEALED: RingOptions = { ...PLAIN, keys: [key(32, 1)] }
const RINGS: readonly (RingOptions & { readonly name: string })[] = [
  { ...PLAIN, name: 'in the clear' },
  { ...PLAIN, name: 'in the clear, compressed, ours on a LAN', compress: true, profile: 'lan' },
  { ...PLAIN, name: 'sealed, ours on a LAN', keys: [key(16, 1)], profile: 'lan' },
  { ...SEALED, name: 'sealed, compressed, IPv6', compress: true, family: 6 },
]

const tier = (await tierReport()).find((one) => one.tier === 'memberlist')
const lacking = tier?.usable === true ? '' : ` (this machine has no ${tier?.missing.join(', ')})`

const built: { program: MemberlistProgram | null } = { program: null }
beforeAll(() => {
  if (lacking === '') built.program = buildMemberlistProgram()
})
afterAll(() => built.program?.[Symbol.dispose]())

/** Who a node sees, as text that two of them can be compared by. */
async function view(node: MemberlistProcess): Promise<string> {
  const lines = (await node.members()).map(
    ({ name, address, meta }) => `${name} ${address} ${textOf(meta)}`,
  )
  return lines.sort().join('\n')
}

function received({ events }: MemberlistProcess, message: Uint8Array): boolean {
  return events.some(
    (event) => event.kind === 'user' && Buffer.compare(event.bytes, message) === 0,
  )
}

/** What the library logs when it cannot read what it was sent, or should not have got it. */
const REFUSAL = /decod|crypt|checksum|supported|invalid|compound|compress|unexpected|protocol/i

/** Ours count what they refuse; the library logs it. */
async function refusals(nodes: readonly MemberlistProcess[]): Promise<readonly string[]> {
  await Promise.all(nodes.map((node) => node.members()))
  const complaints = nodes.flatMap(({ name, events }) =>
    events.flatMap((event) => (event.kind === 'complaint' ? [`${name}: ${event.words}`] : [])),
  )
  return complaints.filter((each) => each.startsWith('weft') || REFUSAL.test(each))
}

describe.skipIf(lacking !== '')(`three and three${lacking}`, () => {
  describe.each(RINGS)('$name', (options) => {
    let ring: Ring
    const gone = new Set<string>()
    const living = (): MemberlistProcess[] => ring.nodes.filter(({ name }) => !gone.has(name))
    const othersThan = (name: string): MemberlistProcess[] =>
      living().filter((node) => node.name !== name)

    /** What each of these nodes knows of one. */
    const statesOf = (
      name: string,
      nodes: readonly MemberlistProcess[],
    ): Promise<readonly { readonly state: string; readonly incarnation: number }[]> =>
      Promise.all(nodes.map(({ address }) => ring.speaker.stateOf(name, address)))

    const everyoneBelieves = (name: string, incarnation: number): Promise<void> =>
      until(`everyone knows ${name} alive since ${incarnation}`, async () => {
        const states = await statesOf(name, living())
        return states.every((one) => one.state === 'alive' && one.incarnation >= incarnation)
      })

    beforeAll(async () => {
      ring = new Ring(built.program?.path ?? '', options)
      for (const name of NAMES) await ring.start(name, { meta: bytesOf(`meta of ${name}`) })
      for (const [joiner, by] of JOINS) await ring.node(joiner).join(ring.node(by).address)
      const everyone = ring.nodes.map(({ name, address }) => `${name} ${address} meta of ${name}`)
      for (const node of ring.nodes) {
        await until(
          `${node.name} sees everyone`,
          async () => (await view(node)) === [...everyone].sort().join('\n'),
        )
      }
    })
    afterAll(() => ring[Symbol.asyncDispose]())

    test('nodes that joined by either kind were told to all', async () => {
      for (const node of ring.nodes) {
        for (const { name } of othersThan(node.name)) await hears(node, { kind: 'join', name })
      }
    })

    test.each(JOINS)('%s and %s told each other their states when they met', async (...pair) => {
      for (const [name, other] of [pair, pair.toReversed()] as const) {
        const { events } = ring.node(name)
        const states = events.filter((event) => event.kind === 'state' && event.join)
        const texts = states.map((event) => ('bytes' in event ? textOf(event.bytes) : ''))
        expect(texts).toContain(textOf(stateOf(other)))
      }
    })

    test.each(['go-1', 'weft-1', 'go-3', 'weft-2'])(
      'new metadata of %s reaches everyone, up to the limit and down to nothing',
      async (name) => {
        const metas = [
          bytesOf(`another meta of ${name}`),
          Uint8Array.from({ length: META_BYTES_MAX }, (_, i) => (7 * i) % 256),
          new Uint8Array(0),
        ]
        for (const meta of metas) {
          await ring.node(name).setMeta(meta)
          for (const node of othersThan(name)) await hears(node, { kind: 'update', name, meta })
        }
      },
    )

    test.each([
      ['packet', 1],
      ['packet', PACKET_BYTES],
      ['stream', 1],
      ['stream', STREAM_BYTES],
    ] as const)('user messages by %s of %i bytes arrive, from each to each', async (how, size) => {
      for (const from of living()) {
        for (const to of othersThan(from.name)) {
          const text = `${how} from ${from.name} to ${to.name} `.padEnd(size, '.')
          const message = bytesOf(text)
          await from.send(message, { how, to: to.name })
          await until(`a ${how} from ${from.name} to ${to.name}`, () => received(to, message))
        }
      }
    })

    // A user message is handed out a few times by who gossips it, and not passed on.
    test.each(['go-3', 'weft-3'])('what %s goes on gossiping reaches everyone', async (name) => {
      const message = bytesOf(`from ${name} to everyone`)
      await until(`everyone heard ${name}`, async () => {
        await ring.node(name).send(message, { how: 'gossip' })
        return othersThan(name).every((to) => received(to, message))
      })
    })

    describe.each(['go-2', 'weft-2'])('%s', (accused) => {
      const witnesses = ['go-1', 'weft-1']

      test.each(witnesses)('refutes a suspicion that %s was told of', async (name) => {
        const witness = ring.node(name)
        const { incarnation } = await ring.speaker.stateOf(accused, witness.address)
        const lie = { kind: 'suspect', incarnation, node: accused, from: 'go-3' } as const
        await ring.speaker.tell(witness.address, lie)
        await everyoneBelieves(accused, incarnation + 1)
      })

      test('refutes to its face that it is dead', async () => {
        const { address } = ring.node(accused)
        const { incarnation } = await ring.speaker.stateOf(accused, address)
        const since = incarnation + 7
        const lie = { kind: 'dead', incarnation: since, node: accused, from: 'go-1' } as const
        await ring.speaker.tell(address, lie)
        await everyoneBelieves(accused, since + 1)
      })

      test('is doubted by both kinds while it stands still, and refutes later', async () => {
        const nodes = witnesses.map((name) => ring.node(name))
        const before = await statesOf(accused, nodes)
        ring.node(accused).signal('SIGSTOP')
        try {
          await until(`${witnesses.join(' and ')} doubt ${accused}`, async () =>
            (await statesOf(accused, nodes)).every(({ state }) => state !== 'alive'),
          )
        } finally {
          ring.node(accused).signal('SIGCONT')
        }
        await everyoneBelieves(accused, 1 + Math.max(...before.map((one) => one.incarnation)))
      })
    })

    test('nothing that either kind sent was refused by the other', async () => {
      expect(await refusals(living())).toEqual([])
    })

    if (options.keys.length > 0) {
      test('keys are rotated under traffic, and no reliable message is lost', async () => {
        const [old = new Uint8Array(0)] = options.keys
        const fresh = key(old.length, 101)
        await using traffic = new Traffic(living())
        for (const [change, changed] of [
          ['install', fresh],
          ['use', fresh],
          ['remove', old],
        ] as const) {
          await traffic.flow()
          for (const node of living()) await node.changeKeys(change, changed)
          await traffic.flow()
        }
        const { sent, lost } = await traffic.end()
        expect(lost).toEqual([])
        expect(sent).toBeGreaterThan(living().length)
        expect(await refusals(living())).toEqual([])
        // Nobody listens to who has only the old key.
        for (const node of living()) await expect(statesOf('go-1', [node])).rejects.toThrow()
        ring.useKeys([fresh])
        await everyoneBelieves('go-1', 0)
      })
    }

    test.each(['go-3', 'weft-3'])('%s leaves, and both kinds know that it left', async (name) => {
      await ring.node(name).leave()
      for (const node of othersThan(name)) await hears(node, { kind: 'leave', name })
      const states = await statesOf(name, othersThan(name))
      expect(states.map(({ state }) => state)).toEqual(states.map(() => 'left'))
      ring.node(name).signal('SIGKILL')
      gone.add(name)
    })

    test.each(['go-2', 'weft-2'])('%s crashes, is missed, and returns', async (name) => {
      const heard = new Map(living().map((node) => [node, node.events.length]))
      const others = othersThan(name)
      ring.node(name).signal('SIGKILL')
      for (const node of others) await hears(node, { kind: 'leave', name }, heard.get(node))
      const states = await statesOf(name, others)
      expect(states.map(({ state }) => state)).toEqual(states.map(() => 'dead'))
      const meta = bytesOf(`${name} in its second life`)
      const again = await ring.restart(name, meta)
      await again.join(ring.node('go-1').address)
      for (const node of others) await hears(node, { kind: 'join', name, meta }, heard.get(node))
      await everyoneBelieves(name, 1 + Math.max(...states.map((one) => one.incarnation)))
    })
  })

  // A node that joins with the wrong key, or with none.
  describe.each(['go-1', 'weft-1'])('a sealed ring of %s', (name) => {
    test.each([
      ['go-2', 'another key', [key(32, 9)]],
      ['weft-2', 'another key', [key(32, 9)]],
      ['go-2', 'no key', []],
      ['weft-2', 'no key', []],
    ])('refuses %s with %s', async (stranger, _with, keys) => {
      await using ring = new Ring(built.program?.path ?? '', SEALED)
      const inside = await ring.start(name, { meta: bytesOf(name) })
      const outside = await ring.start(stranger, { meta: bytesOf(stranger), keys })
      await expect(outside.join(inside.address)).rejects.toThrow()
      await expect(inside.join(outside.address)).rejects.toThrow()
      for (const node of ring.nodes) {
        expect((await node.members()).map((member) => member.name)).toEqual([node.name])
      }
      expect(await refusals(ring.nodes)).not.toEqual([])
    })
  })
})

describe.skipIf(lacking !== '').each(RINGS)(`a state of many nodes${lacking}, $name`, (options) => {
  /** Nobody is there: they must not be found out before they were counted. */
  const timing = { ...TIMING, probeIntervalMs: 5_000, probeTimeoutMs: 2_000 }
  const strangers = Array.from({ length: MANY_NODES }, (_, i) => ({
    name: `stranger-${i}`,
    addr: ipBytes(parseIp('127.0.250.1')),
    port: 1_000 + i,
    meta: Uint8Array.from({ length: META_BYTES_MAX }, (_byte, at) => (i * at) % 251),
    incarnation: 1 + i,
    state: 'alive' as const,
    vsn: [1, 5, 2, 0, 0, 0] as const,
  }))

  test.each([
    ['weft-1', 'go-1'],
    ['go-1', 'weft-1'],
    ['weft-1', 'weft-2'],
  ])('is taken by %s from %s, whole', async (joiner, by) => {
    await using ring = new Ring(built.program?.path ?? '', { ...options, timing })
    const one = await ring.start(joiner, { meta: bytesOf(joiner) })
    const other = await ring.start(by, { meta: bytesOf(by) })
    await ring.speaker.exchange(other.address, strangers)
    await until(`${by} knows them`, async () => (await other.members()).length === MANY_NODES + 1)
    await one.join(other.address)
    await until(`${joiner} knows them`, async () => (await one.members()).length === MANY_NODES + 2)
    const metas = new Map((await one.members()).map(({ name, meta }) => [name, hex(meta)]))
    for (const { name, meta } of strangers) expect(metas.get(name)).toBe(hex(meta))
    expect(await refusals([one, other])).toEqual([])
  })
})
