import { readFileSync } from 'node:fs'
import { parseInterfaceAddress, parseIp, parseMac, PORT_MAX, toHex } from '@weft/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { protoWriter } from '../src/networkdb/gossip-message.ts'
import { endpointTable, type EndpointRecord } from '../src/networkdb/endpoint-record.ts'
import { ALIASES_MAX, INGRESS_PORTS_MAX, RECORD_TEXT_BYTES_MAX } from '../src/networkdb/limits.ts'
import { peerTable, type PeerRecord } from '../src/networkdb/peer-record.ts'
import { PORT_PROTOCOLS, type PortConfig } from '../src/networkdb/port-config.ts'
import { decoded, hex } from './networkdb-samples.ts'

const vectors = new URL('../vectors/docker-20.10.24.json', import.meta.url)
const captured = JSON.parse(readFileSync(vectors, 'utf8')) as {
  readonly endpoint_record: { readonly value: string }
  readonly peer_record: { readonly value: string }
  readonly tcp_user_bulk_sync: { readonly bulk_sync: string }
}

const server: EndpointRecord = {
  name: 'server.2.hy0qbk6m29yw7zf70xe64iiya',
  serviceName: 'server',
  serviceId: 'qcaw6kolivov1rfymsl2xfwww',
  virtualIp: null,
  endpointIp: parseIp('10.0.1.3'),
  ingressPorts: [],
  aliases: [],
  taskAliases: ['747b248c2ea5'],
  serviceDisabled: false,
}

const peer: PeerRecord = {
  endpointIp: parseInterfaceAddress('10.0.1.3/24'),
  endpointMac: parseMac('02:42:0a:00:01:03'),
  vtep: parseIp('172.17.0.2'),
}

describe('rows of a live engine', () => {
  it('endpoint_table', () => {
    const bytes = hex(captured.endpoint_record.value)
    expect(endpointTable.decode(bytes)).toEqual(server)
    expect(toHex(endpointTable.encode(server))).toBe(captured.endpoint_record.value)
  })

  it('overlay_peer_table', () => {
    expect(peerTable.decode(hex(captured.peer_record.value))).toEqual(peer)
    expect(toHex(peerTable.encode(peer))).toBe(captured.peer_record.value)
  })

  it('all of a bulk sync, to the same bytes', () => {
    const { message } = decoded(hex(captured.tcp_user_bulk_sync.bulk_sync))
    if (typeof message === 'string' || message.kind !== 'bulk-sync') throw new Error('no bulk sync')
    expect(message.events.length).toBeGreaterThan(3)
    for (const { tableName, value } of message.events) {
      const again = tableName === peerTable.name ? reencode(peerTable, value) : null
      expect(toHex(again ?? reencode(endpointTable, value))).toBe(toHex(value))
    }
  })
})

function reencode<Value>(
  table: { decode(bytes: Uint8Array): Value | string; encode(value: Value): Uint8Array },
  bytes: Uint8Array,
): Uint8Array {
  const value = table.decode(bytes)
  if (typeof value === 'string') throw new Error(value)
  return table.encode(value)
}

const ips = fc.oneof(fc.ipV4(), fc.ipV6()).map(parseIp)
const texts = fc.string({ maxLength: 40 })
const ports: fc.Arbitrary<PortConfig> = fc.record({
  name: texts,
  protocol: fc.constantFrom(...PORT_PROTOCOLS),
  targetPort: fc.nat({ max: PORT_MAX }),
  publishedPort: fc.nat({ max: PORT_MAX }),
})
const endpoints: fc.Arbitrary<EndpointRecord> = fc.record({
  name: fc.string({ minLength: 1, maxLength: 40 }),
  serviceName: texts,
  serviceId: texts,
  virtualIp: fc.option(ips),
  endpointIp: ips,
  ingressPorts: fc.array(ports, { maxLength: 4 }),
  aliases: fc.array(texts, { maxLength: 4 }),
  taskAliases: fc.array(texts, { maxLength: 4 }),
  serviceDisabled: fc.boolean(),
})
const peers: fc.Arbitrary<PeerRecord> = fc.record({
  endpointIp: fc
    .tuple(fc.ipV4(), fc.nat({ max: 32 }))
    .map(([ip, length]) => parseInterfaceAddress(`${ip}/${length}`)),
  endpointMac: fc
    .uint8Array({ minLength: 6, maxLength: 6 })
    .map((bytes) => parseMac([...bytes].map((b) => b.toString(16).padStart(2, '0')).join(':'))),
  vtep: ips,
})

describe('records', () => {
  it('come back as they went', () => {
    fc.assert(fc.property(endpoints, (record) => {
      expect(endpointTable.decode(endpointTable.encode(record))).toEqual(record)
    }))
    fc.assert(fc.property(peers, (record) => {
      expect(peerTable.decode(peerTable.encode(record))).toEqual(record)
    }))
  })

  it('never make a decoder throw', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
      expect(() => [endpointTable.decode(bytes), peerTable.decode(bytes)]).not.toThrow()
    })
    fc.assert(property, { numRuns: 1000 })
  })

  it('are refused or differ when they are cut', () => {
    const bytes = endpointTable.encode({ ...server, ingressPorts: [port], serviceDisabled: true })
    for (let end = 0; end < bytes.length; end++) {
      const cut = endpointTable.decode(bytes.subarray(0, end))
      if (typeof cut !== 'string') expect(endpointTable.encode(cut)).toEqual(bytes.slice(0, end))
    }
    const row = peerTable.encode(peer)
    for (let end = 0; end < row.length; end++) {
      expect(peerTable.decode(row.subarray(0, end))).toMatch(/^bad-/)
    }
  })

  it('pass over fields that came later', () => {
    const later = hex('a20603616263' + 'a80601')
    const bytes = Uint8Array.from([...endpointTable.encode(server), ...later])
    expect(endpointTable.decode(bytes)).toEqual(server)
    expect(peerTable.decode(Uint8Array.from([...peerTable.encode(peer), ...later]))).toEqual(peer)
  })
})

const port: PortConfig = { name: 'web', protocol: 'sctp', targetPort: 80, publishedPort: 8080 }

describe('virtual addresses', () => {
  it.each([['<nil>'], [''], ['10.0.1'], ['<NIL>']])('%j means none', (text) => {
    expect(endpointTable.decode(endpointBytes({ virtualIp: text }))).toMatchObject({
      virtualIp: null,
    })
  })

  it('are addresses of either family', () => {
    const bytes = endpointBytes({ virtualIp: 'FD00::1' })
    expect(endpointTable.decode(bytes)).toMatchObject({ virtualIp: 'fd00::1' })
  })
})

describe('what engines would ignore', () => {
  it.each([
    [{ name: '' }],
    [{ endpointIp: '' }],
    [{ endpointIp: '10.0.1.3/24' }],
    [{ endpointIp: '<nil>' }],
  ])('an endpoint with %j', (fields) => {
    expect(endpointTable.decode(endpointBytes(fields))).toBe('bad-value')
  })

  it.each([
    ['10.0.1.3', '02:42:0a:00:01:03', '172.17.0.2'],
    ['10.0.1.3/33', '02:42:0a:00:01:03', '172.17.0.2'],
    ['10.0.1.3/24', '02:42:0a:00:01', '172.17.0.2'],
    ['10.0.1.3/24', '02:42:0a:00:01:03', '172.17.0.2:4789'],
    ['10.0.1.3/24', '02:42:0a:00:01:03', ''],
    ['', '', ''],
  ])('a peer of %j, %j behind %j', (ip, mac, vtep) => {
    const writer = protoWriter().uint32(0x0a).string(ip).uint32(0x12).string(mac)
    expect(peerTable.decode(writer.uint32(0x1a).string(vtep).finish())).toBe('bad-value')
  })

  it.each([
    ['no protobuf', 'ff', 'bad-protobuf'],
    ['a number for a name', '0801', 'bad-protobuf'],
    ['a port of an unknown protocol', '32021003', 'bad-value'],
    ['a port beyond 65,535', '32041880' + '8004', 'bad-value'],
    ['a port longer than its field', '32020a05', 'bad-protobuf'],
  ])('%s', (_what, text, fault) => {
    const bytes = Uint8Array.from([...endpointTable.encode(server), ...hex(text)])
    expect(endpointTable.decode(bytes)).toBe(fault)
  })
})

describe('limits of records', () => {
  it('texts', () => {
    const most = { ...server, name: 'x'.repeat(RECORD_TEXT_BYTES_MAX) }
    expect(endpointTable.decode(endpointTable.encode(most))).toEqual(most)
    const more = { ...server, name: 'x'.repeat(RECORD_TEXT_BYTES_MAX + 1) }
    expect(endpointTable.decode(endpointTable.encode(more))).toBe('bad-value')
  })

  it.each([['aliases'], ['taskAliases']] as const)('%s', (field) => {
    const named = (count: number): EndpointRecord => {
      return { ...server, [field]: new Array<string>(count).fill('a') }
    }
    const most = named(ALIASES_MAX)
    expect(endpointTable.decode(endpointTable.encode(most))).toEqual(most)
    expect(endpointTable.decode(endpointTable.encode(named(ALIASES_MAX + 1)))).toBe('too-many')
  })

  it('ports', () => {
    const published = (count: number): EndpointRecord => {
      return { ...server, ingressPorts: new Array<PortConfig>(count).fill(port) }
    }
    const most = published(INGRESS_PORTS_MAX)
    expect(endpointTable.decode(endpointTable.encode(most))).toEqual(most)
    const more = endpointTable.encode(published(INGRESS_PORTS_MAX + 1))
    expect(endpointTable.decode(more)).toBe('too-many')
  })
})

/** An endpoint's record with texts as no type of ours would have them. */
function endpointBytes(fields: {
  readonly name?: string
  readonly virtualIp?: string
  readonly endpointIp?: string
}): Uint8Array {
  const writer = protoWriter().uint32(0x0a).string(fields.name ?? 'c1')
  writer.uint32(0x22).string(fields.virtualIp ?? '<nil>')
  return writer.uint32(0x2a).string(fields.endpointIp ?? '10.0.1.3').finish()
}
