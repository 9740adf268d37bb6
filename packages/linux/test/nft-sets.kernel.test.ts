/** Sets and maps of nftables: packets of ESP are looked up, marked and remembered by them. */
import { parseIp, setU32 } from '@weft/core'
import { expect, test } from 'vitest'
import { Nftables, openRawSocket, type TableSpec } from '../src/index.ts'
import { atEnd, run, scratch, scratchPair } from './scratch.ts'

const FORGET_MS = 60_000
const ENTRIES_MAX = 4
/** SPIs, and vectors' first words; the highest bits are set in some. */
const [KNOWN, OTHER] = [0xfedc_ba98, 0x0102_0304]
const [RUN, NEW_RUN] = [0x8765_4321, 0x1111_1111]

const rule = { counter: true, verdict: 'continue' } as const
const found = { matches: [], counter: false, verdict: 'accept' } as const

/** Marks of runs that are known, others are remembered; one rule each, so that all is counted. */
function table(entriesMax = ENTRIES_MAX): TableSpec {
  const remembers = { forgetMs: FORGET_MS, entriesMax }
  return {
    family: 'ip',
    name: 'weft-runs',
    sets: [
      { name: 'spis', key: 'esp-spi', holds: 'keys', entries: [{ words: [KNOWN] }] },
      {
        name: 'runs',
        key: 'esp-run',
        holds: 'marks',
        entries: [{ words: [KNOWN, RUN], mark: 0x2000_0000 }],
      },
      { name: 'seen', key: 'esp-run', holds: 'keys', remembers, entries: [] },
    ],
    chains: [
      {
        name: 'runs',
        hook: 'input',
        priority: 1000,
        policy: 'accept',
        rules: [
          { ...rule, matches: [{ on: 'esp-spi', in: 'spis' }], setMark: 0 },
          { ...found, setMark: { from: 'runs', key: 'esp-run' } },
          {
            ...rule,
            matches: [{ on: 'esp-spi', in: 'spis' }],
            remember: { in: 'seen', key: 'esp-run' },
          },
        ],
      },
      {
        name: 'after',
        hook: 'input',
        priority: 1001,
        policy: 'accept',
        rules: [{ ...rule, matches: [{ on: 'mark', mark: 0x2000_0000 }] }],
      },
    ],
  }
}

/** What looks like ESP up to its vector. */
function packet(spi: number, run: number): Uint8Array {
  const bytes = new Uint8Array(40)
  setU32(bytes, 0, spi)
  setU32(bytes, 8, run)
  return bytes
}

/** Nftables of one end, and packets to it from the other. */
function ends(): { nft: Nftables; send: (spi: number, run: number) => Promise<void> } {
  const [a, b] = scratchPair()
  const nft = Nftables.open(b.path)
  atEnd(() => nft.close())
  const socket = openRawSocket({ namespace: a.path, family: 4, protocol: 50 }, () => undefined)
  atEnd(() => socket.close())
  const send = async (spi: number, run: number): Promise<void> => {
    socket.send(packet(spi, run), parseIp('10.0.0.2'))
    await socket.flush()
  }
  return { nft, send }
}

test('packets are known by SPI and vector, marked by a map, others remembered', async () => {
  const { nft, send } = ends()
  nft.replaceTable(table())
  expect(nft.keys(table(), 'runs')).toEqual([[KNOWN, RUN]])
  await send(OTHER, RUN)
  for (let i = 0; i < 3; i++) await send(KNOWN, RUN)
  for (let i = 0; i < 2; i++) await send(KNOWN, NEW_RUN)
  const packets = (): unknown[] => nft.rules(table()).map((one) => one.packets)
  while (packets().at(0) !== 5) await new Promise(setImmediate)
  expect(packets()).toEqual([5, null, 2, 3])
  expect(nft.keys(table(), 'seen')).toEqual([[KNOWN, NEW_RUN]])
})

test('a set that rules fill holds no more than its size', async () => {
  const { nft, send } = ends()
  nft.replaceTable(table())
  for (let i = 0; i < ENTRIES_MAX + 3; i++) await send(KNOWN, NEW_RUN + i)
  while (nft.rules(table())[0]?.packets !== ENTRIES_MAX + 3) await new Promise(setImmediate)
  expect(nft.keys(table(), 'seen')).toHaveLength(ENTRIES_MAX)
})

test('nft reads the table as it was meant', () => {
  const { path } = scratch()
  using nft = Nftables.open(path)
  nft.replaceTable(table())
  const read = run(`nsenter --net=${path} nft list ruleset`).replaceAll('\t', ' ').trim()
  expect(read).toMatchInlineSnapshot(`
    "table ip weft-runs {
     set spis {
      type mark
      elements = { 0xfedcba98 }
     }

     map runs {
      type mark . mark : mark
      elements = { 0x98badcfe . 0x21436587 : 0x00000020 }
     }

     set seen {
      type mark . mark
      size 4
      flags dynamic,timeout
      timeout 1m
     }

     chain runs {
      type filter hook input priority 1000; policy accept;
      esp spi @spis counter packets 0 bytes 0 meta mark set 0x00000000
      meta mark set esp spi . @th,64,32 map @runs accept
      esp spi @spis counter packets 0 bytes 0 update @seen { esp spi . @th,64,32 }
     }

     chain after {
      type filter hook input priority 1001; policy accept;
      meta mark 0x20000000 counter packets 0 bytes 0
     }
    }"
  `)
})

test('thousands of entries are one transaction; a set that is not there is an error', () => {
  const { path } = scratch()
  using nft = Nftables.open(path)
  const entries = Array.from({ length: 6000 }, (_, i) => ({ words: [i, 7], mark: i % 8 }))
  const [spis, runs, seen] = table().sets ?? []
  if (spis === undefined || runs === undefined || seen === undefined) throw new Error('three sets')
  nft.replaceTable({ ...table(), sets: [spis, { ...runs, entries }, seen] })
  const found = nft.keys(table(), 'runs')
  expect(new Set(found.map(([word]) => word)).size).toBe(6000)
  const error = expect.objectContaining({ code: 'ERR_KERNEL' })
  expect(() => nft.keys(table(), 'nowhere')).toThrow(error)
})
