/** Hearing of what others do to nftables. */
import { fromHex } from '@weft/core'
import {
  Nftables,
  openNftMonitor,
  readNftNotices,
  type NftNotice,
  type TableSpec,
  type Watch,
} from '../src/index.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { atEnd, openFds, run, runWords, scratch } from './scratch.ts'

const matches = [{ on: 'protocol', protocol: 17 }] as const
const rules = [{ matches, counter: true, verdict: 'drop' }] as const
const chain = { name: 'in', hook: 'input', priority: 0, policy: 'accept', rules } as const
const table: TableSpec = { family: 'inet', name: 'weft-heard', chains: [chain] }
const ref = { family: 'inet', name: 'weft-heard' } as const

interface Heard {
  readonly watch: Watch
  /** What was told since the last time, each notice as `about gone`. */
  take(): Promise<readonly string[]>
}

function listen(path: string): Heard {
  const told: NftNotice[] = []
  const watch = openNftMonitor(
    { namespace: path },
    {
      told: (notices) => void told.push(...notices),
      overrun: () => expect.unreachable(),
      failed: ({ diagnostic }) => expect.unreachable(diagnostic),
    },
  )
  atEnd(() => watch.close())
  return {
    watch,
    take: async () => {
      await watch.flush()
      return told.splice(0).map(({ about, gone, table: { family, name } }) => {
        return `${gone ? '-' : '+'} ${family} ${name} ${about}`
      })
    },
  }
}

function withTable(): { readonly nft: Nftables; readonly path: string } {
  const { path } = scratch()
  const nft = Nftables.open(path)
  atEnd(() => nft.close())
  nft.replaceTable(table)
  return { nft, path }
}

describe('a monitor of nftables', () => {
  test('hears of rules flushed, and of everything flushed', async () => {
    const { path } = withTable()
    const heard = listen(path)
    run(`nsenter --net=${path} nft flush table inet weft-heard`)
    expect(await heard.take()).toEqual(['- inet weft-heard rule'])
    run(`nsenter --net=${path} nft flush ruleset`)
    expect(await heard.take()).toEqual(['- inet weft-heard chain', '- inet weft-heard table'])
  })

  test('hears of strangers’ tables, of every family, but not of other namespaces’', async () => {
    const { path } = withTable()
    const elsewhere = withTable()
    const heard = listen(path)
    const script = 'add table ip a; add chain ip a c; add rule ip a c accept; delete table ip a'
    runWords(['nsenter', `--net=${path}`, 'nft', script])
    elsewhere.nft.deleteTable(ref)
    expect(await heard.take()).toEqual([
      '+ ip a table',
      '+ ip a chain',
      '+ ip a rule',
      '- ip a rule',
      '- ip a chain',
      '- ip a table',
    ])
  })

  test('hears of our own doing, the making after the removal', async () => {
    const { nft, path } = withTable()
    const heard = listen(path)
    nft.replaceTable(table)
    const said = await heard.take()
    expect(said).toContain('- inet weft-heard table')
    expect(said.at(-1)).toBe('+ inet weft-heard rule')
  })

  test('is over when it is closed', async () => {
    const { nft, path } = withTable()
    const before = openFds()
    const heard = listen(path)
    await heard.watch.close()
    nft.deleteTable(ref)
    expect(openFds()).toBe(before)
  })
})

/** A table of the inet family that is gone, as the kernel tells it: its name, use and handle. */
const TOLD = fromHex(
  '2c000000020a000000000000000000000100000a' +
    '0f000100776566742d686561726400000800030000000000',
)

test('what is cut, damaged or of another kind is passed over', () => {
  const told = TOLD ?? new Uint8Array()
  expect(readNftNotices(told)).toEqual([{ about: 'table', gone: true, table: ref }])
  for (let end = 0; end < told.length; end++) {
    expect(readNftNotices(told.subarray(0, end))).toEqual([])
  }
  const damage = fc.array(fc.tuple(fc.nat(told.length - 1), fc.nat(255)), { maxLength: 4 })
  fc.assert(
    fc.property(damage, (changes) => {
      const bytes = told.slice()
      for (const [at, value] of changes) bytes[at] = value
      JSON.stringify(readNftNotices(bytes))
    }),
    { numRuns: 2000 },
  )
})
