/** Rules that tell runs apart, on any kernel: new ones are seen, those that are over dropped. */
import { parseIp, setU32, type IpFamily } from '@weft/core'
import { Kernel, Nftables, openRawSocket, type RawSocket } from '@weft/linux'
import { describe, expect, test } from 'vitest'
import { RunTable, SEEN_RUNS_MAX, type RunRules } from '../src/run-table.ts'
import { atEnd, inside, scratch } from './world.ts'

const SPI = 0x8123_4567
const LOOPBACK = { 4: parseIp('127.0.0.1'), 6: parseIp('::1') } as const

const NO_RULES = { family: 4, spis: [], current: [], past: [] } as const

/** A namespace that sends ESP to itself. */
class Place {
  readonly path = scratch()
  readonly nft = Nftables.open(this.path)
  readonly table = new RunTable(this.nft, 'runs')
  readonly #sockets = new Map<IpFamily, RawSocket>()

  constructor() {
    using kernel = Kernel.open(this.path)
    kernel.links.change('lo', { up: true })
    atEnd(() => this.nft.close())
  }

  async send(vector: number, spi = SPI, family: IpFamily = 4): Promise<void> {
    const bytes = new Uint8Array(40)
    setU32(bytes, 0, spi)
    setU32(bytes, 8, vector)
    const socket = this.#sockets.get(family) ?? this.#open(family)
    socket.send(bytes, LOOPBACK[family])
    // What loops back was looked at by rules before it is received.
    await socket.flush()
  }

  #open(family: IpFamily): RawSocket {
    const socket = openRawSocket({ namespace: this.path, family, protocol: 50 }, () => undefined)
    this.#sockets.set(family, socket)
    atEnd(() => socket.close())
    return socket
  }
}

describe.each([4, 6] as const)('over IPv%d', (family) => {
  const rules = (more: Partial<RunRules> = {}): RunRules => ({
    ...NO_RULES,
    family,
    spis: [SPI],
    ...more,
  })

  test('a run of ours is seen until it has a mark; others’ packets are not', async () => {
    const place = new Place()
    place.table.write(rules())
    await place.send(7, SPI, family)
    await place.send(7, SPI, family)
    await place.send(7, SPI + 1, family)
    expect(place.table.seen()).toEqual([[SPI, 7]])
    place.table.write(rules({ current: [{ name: [SPI, 7], mark: 0x1000_0000 }] }))
    await place.send(7, SPI, family)
    await place.send(8, SPI, family)
    expect(place.table.seen()).toEqual([[SPI, 8]])
  })

  test('packets of a run that is over are counted, whatever is written meanwhile', async () => {
    const place = new Place()
    const past = [[SPI, 7]] as const
    place.table.write(rules({ past }))
    await place.send(7, SPI, family)
    await place.send(8, SPI, family)
    expect(place.table.late()).toBe(1)
    place.table.write(rules({ past, spis: [SPI, 1000] }))
    await place.send(7, SPI, family)
    expect(place.table.late()).toBe(2)
    expect(place.table.seen()).toEqual([])
    place.table.remove()
    expect(place.table.late()).toBe(2)
    expect(place.nft.tables()).toEqual([])
  })
})

test('tunnels that change their family take their rules along', async () => {
  const place = new Place()
  place.table.write({ ...NO_RULES, spis: [SPI] })
  place.table.write({ ...NO_RULES, spis: [SPI], family: 6 })
  expect(place.nft.tables()).toEqual([{ family: 'ip6', name: 'weft-runs' }])
})

test('a table that somebody removed is written again, and nothing is seen without it', () => {
  const place = new Place()
  place.table.write({ ...NO_RULES, spis: [SPI] })
  inside(place.path, 'nft flush ruleset')
  place.table.write({ ...NO_RULES, spis: [SPI] })
  expect(place.nft.tables()).toEqual([])
  expect([place.table.seen(), place.table.late()]).toEqual([[], 0])
  place.table.write({ ...NO_RULES, spis: [SPI] })
  expect(place.nft.tables()).toHaveLength(1)
})

test(`no more than ${SEEN_RUNS_MAX} runs wait to be looked at`, async () => {
  const place = new Place()
  place.table.write({ ...NO_RULES, spis: [SPI] })
  for (let vector = 1; vector <= SEEN_RUNS_MAX + 20; vector++) await place.send(vector)
  expect(place.table.seen()).toHaveLength(SEEN_RUNS_MAX)
})
