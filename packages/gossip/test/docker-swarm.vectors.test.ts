/** Gossip of two Docker engines while containers come and go: opened, understood, written again. */
import { toHex } from '@weft/core'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { KeyRing } from '../src/memberlist/key-ring.ts'
import { StreamReader } from '../src/memberlist/stream-reader.ts'
import { decodeNetworkDb } from '../src/networkdb/decode.ts'
import { encodeNetworkDb } from '../src/networkdb/encode.ts'
import { endpointTable } from '../src/networkdb/endpoint-record.ts'
import type { NetworkDbMessage, TableEvent } from '../src/networkdb/messages.ts'
import { peerTable } from '../src/networkdb/peer-record.ts'
import { hex, openWith, optionsOf } from './memberlist-samples.ts'

interface Received {
  readonly transport: 'datagram' | 'stream'
  readonly key: string
  readonly bytes: string
}

interface Recording {
  readonly peers: readonly { readonly name: string; readonly address: string }[]
  readonly containers: readonly {
    readonly name: string
    readonly ip: string
    readonly mac: string
    readonly host: string
    readonly gone: boolean
  }[]
  readonly received: readonly Received[]
}

const FILE = join(import.meta.dirname, '../vectors/docker-swarm-20.10.24.json')
const { containers, peers, received } = JSON.parse(readFileSync(FILE, 'utf8')) as Recording
const keys = [...new Set(received.map(({ key }) => key))]
const ringOf = (text: string): KeyRing => new KeyRing([{ tag: 'its', bytes: hex(text) }])

/** What was said to NetworkDB in one text. */
function heard({ bytes, key, transport }: Received): Uint8Array[] {
  const options = optionsOf({ keys: ringOf(key) })
  if (transport === 'datagram') {
    const { faults, messages } = openWith(options, hex(bytes))
    expect(faults).toEqual([])
    expect(messages.length).toBeGreaterThan(0)
    return messages.flatMap((message) => (message.kind === 'user' ? [message.bytes] : []))
  }
  const reader = new StreamReader(options)
  const message = reader.push(hex(bytes))
  expect([reader.fault, reader.isPartial, reader.nodesRefused]).toEqual([null, false, 0])
  if (message?.kind === 'user') return [message.bytes]
  return message?.kind === 'push-pull' ? [message.userState] : []
}

function understood(bytes: Uint8Array): NetworkDbMessage {
  const faults: string[] = []
  const message = decodeNetworkDb(bytes, (fault) => faults.push(fault))
  if (typeof message === 'string') throw new Error(message)
  expect(faults).toEqual([])
  return message
}

function rowsOf(message: NetworkDbMessage): readonly TableEvent[] {
  if (message.kind === 'table') return [message]
  const parts = message.kind === 'compound' ? message.messages : []
  const inside = message.kind === 'bulk-sync' ? message.events : parts
  return inside.filter((event) => event.kind === 'table')
}

describe('gossip of a Docker swarm', () => {
  const said = received.flatMap(heard)

  it('is sealed under keys that were rotated meanwhile, each opened by its own alone', () => {
    expect(keys.length).toBeGreaterThan(2)
    for (const { bytes, key } of received.filter(({ transport }) => transport === 'datagram')) {
      const others = new KeyRing(
        keys.filter((one) => one !== key).map((one) => ({ tag: one, bytes: hex(one) })),
      )
      expect(openWith(optionsOf({ keys: others }), hex(bytes)).faults).toEqual(['cannot-open'])
    }
  })

  it('is understood whole, and written again to the same bytes', () => {
    expect(said.length).toBeGreaterThan(20)
    const kinds = new Set<string>()
    for (const bytes of said) {
      const message = understood(bytes)
      kinds.add(message.kind)
      expect(toHex(encodeNetworkDb(message))).toBe(toHex(bytes))
    }
    expect([...kinds].sort()).toEqual(expect.arrayContaining(['bulk-sync', 'push-pull']))
  })

  it.each(containers)('says of $name what `docker inspect` said', (container) => {
    const { gone, host, ip, mac, name } = container
    const rows = said.flatMap((bytes) => rowsOf(understood(bytes)))
    const owner = peers.find(({ address }) => address === host)?.name
    const names = rows.filter(({ tableName, value }) => {
      const record = tableName === endpointTable.name ? endpointTable.decode(value) : ''
      return typeof record !== 'string' && record.name === name
    })
    const places = rows.filter(({ tableName, value }) => {
      const record = tableName === peerTable.name ? peerTable.decode(value) : ''
      return typeof record !== 'string' && record.endpointMac === mac
    })
    for (const [first] of [names, places]) expect(first).toMatchObject({ nodeName: owner })
    expect(endpointTable.decode(names[0]?.value ?? hex(''))).toMatchObject({ endpointIp: ip })
    const place = { endpointIp: `${ip}/24`, vtep: host }
    expect(peerTable.decode(places[0]?.value ?? hex(''))).toMatchObject(place)
    expect(new Set([...names, ...places].map(({ key }) => key)).size).toBe(1)
    const types = new Set(places.map(({ type }) => type))
    expect(types.has('create')).toBe(true)
    expect(types.has('delete')).toBe(gone)
  })
})
