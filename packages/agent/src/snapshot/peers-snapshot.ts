/** What gossip knew: who is there, and where endpoints are. Peers could tell it again (P13). */
import { parseIp } from '@weft/core'
import type { GossipSnapshot, KnownMember, Row } from '@weft/gossip'
import { bytesText, type Json, type JsonFields } from './json-fields.ts'

/** Written at most once an interval, and at the end. */
export interface PeersSnapshot {
  readonly gossip: GossipSnapshot
  readonly rows: readonly Row[]
}

/**
 * Bytes of each part of the file. All three fit a file's limit; what is beyond, peers have to tell
 * again. 24 MiB are some 90,000 rows.
 */
export const PART_BYTES_MAX = { known: 16 << 20, attachments: 16 << 20, rows: 24 << 20 } as const

/** Nothing known. */
export const NO_PEERS: PeersSnapshot = { gossip: { known: [], knownAttachments: [] }, rows: [] }

/** As JSON, as much of it as the file may have. */
export function peersSnapshotJson({ gossip, rows }: PeersSnapshot): Json {
  return {
    known: fitting(gossip.known, PART_BYTES_MAX.known, memberJson),
    attachments: fitting(gossip.knownAttachments, PART_BYTES_MAX.attachments, attachmentJson),
    rows: fitting(rows, PART_BYTES_MAX.rows, rowJson),
  }
}

function memberJson({ name, address, meta, vsn, incarnation }: KnownMember): JsonRecord {
  const { ip, port } = address
  return { name, ip, port, meta: bytesText(meta), vsn: [...vsn], incarnation }
}

function attachmentJson({ networkId, nodeName, lTime, leaving }: KnownAttachment): JsonRecord {
  return { networkId, nodeName, lTime, leaving }
}

function rowJson({ networkId, table, key, owner, lTime, value }: Row): JsonRecord {
  return { networkId, table, key, owner, lTime, value: bytesText(value) }
}

/** The first so many that have `bytesMax` together. */
function fitting<Item>(
  items: readonly Item[],
  bytesMax: number,
  toJson: (item: Item) => JsonRecord,
): readonly JsonRecord[] {
  const taken: JsonRecord[] = []
  let bytes = 0
  for (const item of items) {
    const json = toJson(item)
    bytes += bytesOf(json)
    if (bytes > bytesMax) break
    taken.push(json)
  }
  return taken
}

type KnownAttachment = GossipSnapshot['knownAttachments'][number]
type JsonRecord = { readonly [name: string]: Json }

/** Characters that JSON and UTF-8 both write as one byte. */
const PLAIN = /^[ !#-[\]-~]*$/

/** What a record takes, names and marks included; never less than it does. */
function bytesOf(record: JsonRecord): number {
  let bytes = 2
  for (const [name, value] of Object.entries(record)) {
    const worst = typeof value === 'string' && !PLAIN.test(value) ? 6 : 1
    const length = typeof value === 'string' ? value.length : NUMBER_BYTES
    bytes += name.length + worst * length + 6
  }
  return bytes
}

/** The longest value that is no text: six small numbers. */
const NUMBER_BYTES = 32

/** Read what `peersSnapshotJson` made. Throws when it is anything else. */
export function readPeersSnapshot(fields: JsonFields): PeersSnapshot {
  return {
    gossip: {
      known: fields.objects('known', readMember),
      knownAttachments: fields.objects('attachments', (entry) => ({
        networkId: entry.text('networkId'),
        nodeName: entry.text('nodeName'),
        lTime: entry.number('lTime'),
        leaving: entry.flag('leaving'),
      })),
    },
    rows: fields.objects('rows', (row) => ({
      networkId: row.text('networkId'),
      table: row.text('table'),
      key: row.text('key'),
      owner: row.text('owner'),
      lTime: row.number('lTime'),
      value: row.bytes('value'),
    })),
  }
}

function readMember(fields: JsonFields): KnownMember {
  return {
    name: fields.text('name'),
    address: { ip: parseIp(fields.text('ip')), port: fields.number('port') },
    meta: fields.bytes('meta'),
    vsn: fields.numbers('vsn', 6) as unknown as KnownMember['vsn'],
    incarnation: fields.number('incarnation'),
  }
}
