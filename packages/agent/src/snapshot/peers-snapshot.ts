/** What gossip knew: who is there, and where endpoints are. Peers could tell it again (P13). */
import { parseIp } from '@weft/core'
import type { GossipSnapshot, KnownMember, Row } from '@weft/gossip'
import { bytesText, type Json, type JsonFields } from './json-fields.ts'

/** Written at most once an interval, and at the end. */
export interface PeersSnapshot {
  readonly gossip: GossipSnapshot
  readonly rows: readonly Row[]
}

/** Nothing known. */
export const NO_PEERS: PeersSnapshot = { gossip: { known: [], knownAttachments: [] }, rows: [] }

/** As JSON. */
export function peersSnapshotJson({ gossip, rows }: PeersSnapshot): Json {
  return {
    known: gossip.known.map(({ name, address, meta, vsn, incarnation }) => ({
      name,
      ip: address.ip,
      port: address.port,
      meta: bytesText(meta),
      vsn: [...vsn],
      incarnation,
    })),
    attachments: gossip.knownAttachments.map(({ networkId, nodeName, lTime, leaving }) => ({
      networkId,
      nodeName,
      lTime,
      leaving,
    })),
    rows: rows.map(({ networkId, table, key, owner, lTime, value }) => ({
      networkId,
      table,
      key,
      owner,
      lTime,
      value: bytesText(value),
    })),
  }
}

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
