/** What HashiCorp's memberlist sends is read as Go reads it, and written again byte for byte. */
import { nodeAead } from '@weft/runtime-node'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { GossipFault } from '../src/memberlist/faults.ts'
import { KeyRing } from '../src/memberlist/key-ring.ts'
import type { PacketMessage, PushPullNode, StreamMessage } from '../src/memberlist/messages.ts'
import { PacketCodec } from '../src/memberlist/packet-codec.ts'
import { decodePacketMessage, encodePacketMessage } from '../src/memberlist/packet-messages.ts'
import { wrapStreamMessage } from '../src/memberlist/stream-frame.ts'
import { encodeStreamMessage } from '../src/memberlist/stream-messages.ts'
import { StreamReader } from '../src/memberlist/stream-reader.ts'
import type { WrapOptions } from '../src/memberlist/wrap-options.ts'

/** A message as the library's structures have it: names of Go, bytes as hex, null for nil. */
interface GoMessage {
  readonly kind: string
  readonly bytes: string
  readonly value: GoFields
}

interface GoFields {
  readonly [field: string]: number | string | boolean | null | readonly GoFields[]
}

interface Vector {
  readonly name: string
  readonly transport: 'packet' | 'stream'
  readonly key: string | null
  readonly bytes: string
  readonly layers: readonly string[]
  readonly plain?: string
  readonly messages: readonly GoMessage[]
}

interface Recording {
  readonly vectors: readonly Vector[]
}

const FILE = join(import.meta.dirname, '../vectors/memberlist-go-0.2.2.json')
const { vectors } = JSON.parse(readFileSync(FILE, 'utf8')) as Recording
const packets = vectors.filter(({ transport }) => transport === 'packet')
const streams = vectors.filter(({ transport }) => transport === 'stream')

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const unhex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))

/** Fields of Go as ours: a field that is nil or absent is an empty one. */
class Fields {
  readonly #fields: GoFields

  constructor(fields: GoFields) {
    this.#fields = fields
  }

  number(name: string): number {
    return Number(this.#fields[name])
  }

  text(name: string): string {
    const text = this.#fields[name]
    return typeof text === 'string' ? text : ''
  }

  flag(name: string): boolean {
    return this.#fields[name] === true
  }

  bytes(name: string): Uint8Array {
    return unhex(this.text(name))
  }

  list(name: string): readonly Fields[] {
    const list = this.#fields[name]
    return Array.isArray(list) ? list.map((each: GoFields) => new Fields(each)) : []
  }

  source(): { sourceAddr: Uint8Array; sourcePort: number; sourceNode: string } {
    return {
      sourceAddr: this.bytes('SourceAddr'),
      sourcePort: this.number('SourcePort'),
      sourceNode: this.text('SourceNode'),
    }
  }

  node(name: 'Node' | 'Name'): Omit<PushPullNode, 'state' | 'name'> & { name: string } {
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = this.bytes('Vsn')
    return {
      name: this.text(name),
      addr: this.bytes('Addr'),
      port: this.number('Port'),
      meta: this.bytes('Meta'),
      incarnation: this.number('Incarnation'),
      vsn: [a, b, c, d, e, f],
    }
  }
}

function packetMessage({ kind, value }: GoMessage): PacketMessage {
  const go = new Fields(value)
  const seqNo = go.number('SeqNo')
  const node = go.text('Node')
  const accusation = { incarnation: go.number('Incarnation'), node, from: go.text('From') }
  switch (kind) {
    case 'ping':
      return { kind: 'ping', seqNo, node, ...go.source() }
    case 'indirectPing': {
      const asked = { target: go.bytes('Target'), port: go.number('Port'), nack: go.flag('Nack') }
      return { kind: 'indirect-ping', seqNo, node, ...asked, ...go.source() }
    }
    case 'ackResp':
      return { kind: 'ack', seqNo, payload: go.bytes('Payload') }
    case 'nackResp':
      return { kind: 'nack', seqNo }
    case 'suspect':
      return { kind: 'suspect', ...accusation }
    case 'dead':
      return { kind: 'dead', ...accusation }
    case 'alive': {
      const { name, ...rest } = go.node('Node')
      return { kind: 'alive', node: name, ...rest }
    }
    default:
      expect(kind).toBe('user')
      return { kind: 'user', bytes: go.bytes('Bytes') }
  }
}

const STATES = ['alive', 'suspect', 'dead', 'left'] as const

function streamMessage(message: GoMessage): StreamMessage {
  const go = new Fields(message.value)
  switch (message.kind) {
    case 'pushPull': {
      const nodes = go.list('Nodes').map((each): PushPullNode => {
        const state = STATES[each.number('State')]
        return { ...each.node('Name'), state: state ?? 'alive' }
      })
      return { kind: 'push-pull', join: go.flag('Join'), nodes, userState: go.bytes('UserState') }
    }
    case 'err':
      return { kind: 'error', error: go.text('Error') }
    default: {
      const read = packetMessage(message)
      expect(read.kind).toMatch(/^(ping|ack|user)$/)
      return read as StreamMessage
    }
  }
}

/** Metadata that Go relays of another node as nil; from that node itself it comes as empty. */
function relaysNil({ value }: GoMessage): boolean {
  const nodes = value['Nodes']
  const each = Array.isArray(nodes) ? nodes.map((node: GoFields) => node['Meta']) : [value['Meta']]
  return each.includes(null)
}

/** Options whose next nonce is that of the vector, so that sealing gives the same bytes. */
function optionsOf(vector: Vector): WrapOptions {
  const bytes = unhex(vector.bytes)
  const at = vector.transport === 'stream' ? 6 : 1
  const key = vector.key === null ? null : { tag: 'recorded', bytes: unhex(vector.key) }
  return {
    label: '',
    keys: key === null ? null : new KeyRing([key]),
    aead: nodeAead,
    entropy: { fill: (into) => into.set(bytes.subarray(at, at + into.length)) },
    compress: /compressed/.test(vector.name),
  }
}

const isPadded = ({ layers }: Vector): boolean => layers.includes('sealed-v0')

function openPacket(vector: Vector): { messages: PacketMessage[]; faults: GossipFault[] } {
  const messages: PacketMessage[] = []
  const faults: GossipFault[] = []
  new PacketCodec(optionsOf(vector)).open(
    unhex(vector.bytes),
    (message) => messages.push(message),
    (fault) => faults.push(fault),
  )
  return { messages, faults }
}

describe('the recording', () => {
  it('has every message on each transport that carries it, and every wrapper', () => {
    const kinds = (of: readonly Vector[]): string[] =>
      [...new Set(of.flatMap(({ messages }) => messages.map(({ kind }) => kind)))].sort()
    expect(kinds(packets)).toEqual(
      ['ackResp', 'alive', 'dead', 'indirectPing', 'nackResp', 'ping', 'suspect', 'user'],
    )
    expect(kinds(streams)).toEqual(['ackResp', 'err', 'ping', 'pushPull', 'user'])
    const layers = new Set(vectors.flatMap((each) => each.layers))
    expect([...layers].sort()).toEqual(['compound', 'compressed', 'crc', 'sealed-v0', 'sealed-v1'])
    const keys = new Set(vectors.map(({ key }) => key?.length))
    expect([...keys].sort()).toEqual([32, 48, 64, undefined])
  })
})

describe.each(packets)('$name', (vector) => {
  it('is read as Go reads it', () => {
    const { messages, faults } = openPacket(vector)
    expect(faults).toEqual([])
    expect(messages).toEqual(vector.messages.map(packetMessage))
  })

  it('is written again, message by message', () => {
    for (const message of vector.messages) {
      const value = packetMessage(message)
      const bytes = unhex(message.bytes)
      expect(decodePacketMessage(bytes, 0, bytes.length)).toEqual(value)
      if (!relaysNil(message)) expect(hex(encodePacketMessage(value))).toBe(message.bytes)
    }
  })
})

// We never pad: version 0 of the envelope is only read.
it.each(packets.filter((each) => !isPadded(each)))('$name is wrapped again', (vector) => {
  const parts = vector.messages.map(({ bytes }) => unhex(bytes))
  const packet = new PacketCodec(optionsOf(vector)).wrap(parts, vector.layers.includes('crc'))
  expect(hex(packet)).toBe(vector.bytes)
})

describe.each(streams)('$name', (vector) => {
  const [message] = vector.messages

  it('is read as Go reads it', () => {
    const reader = new StreamReader(optionsOf(vector))
    const read = reader.push(unhex(vector.bytes))
    expect(reader.fault).toBeNull()
    expect(message).toBeDefined()
    if (message !== undefined) expect(read).toEqual(streamMessage(message))
  })

  it('is written again', () => {
    expect(message).toBeDefined()
    if (message === undefined) return
    const value = streamMessage(message)
    const wrapped = wrapStreamMessage(optionsOf(vector), value)
    expect(new StreamReader(optionsOf(vector)).push(wrapped)).toEqual(value)
    if (relaysNil(message)) return
    expect(hex(encodeStreamMessage(value))).toBe(message.bytes)
    if (!isPadded(vector)) expect(hex(wrapped)).toBe(vector.bytes)
  })
})
