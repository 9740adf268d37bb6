/** Corpus: what Docker's engines and HashiCorp's memberlist sent, in the clear. */
import { fromHex } from '@weft/core'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const FOLDER = join(import.meta.dirname, '../../../packages/gossip/vectors')

/** What a vector of the Go library says of itself. */
interface GoVector {
  readonly transport: 'packet' | 'stream'
  readonly key: string | null
  readonly bytes: string
}

function parsed(file: string): unknown {
  return JSON.parse(readFileSync(join(FOLDER, file), 'utf8'))
}

function bytesOf(hex: string): Uint8Array {
  const bytes = fromHex(hex)
  if (bytes === null) throw new Error(`a vector that is not hexadecimal: ${hex}`)
  return bytes
}

/** Datagrams, or whole sides of streams, that were not sealed. */
export function recordedGossip(transport: 'packet' | 'stream'): readonly Uint8Array[] {
  const { vectors } = parsed('memberlist-go-0.2.2.json') as { vectors: readonly GoVector[] }
  return vectors
    .filter((vector) => vector.transport === transport && vector.key === null)
    .map(({ bytes }) => bytesOf(bytes))
}

/** NetworkDB's messages from live engines: an event of each kind, and all rows of a network. */
export function recordedNetworkDb(): readonly Uint8Array[] {
  const docker = parsed('docker-20.10.24.json') as Record<string, Record<string, string>>
  const texts = [
    docker['udp_crc_compressed_table_gossip']?.['inflated']?.slice(2),
    docker['tcp_push_pull_reply']?.['user_state'],
    docker['tcp_user_bulk_sync']?.['bulk_sync'],
    docker['network_event']?.['value'],
    docker['node_event']?.['value'],
  ]
  return texts.map((text) => bytesOf(text ?? 'missing'))
}

/** Rows that live engines wrote: of the table of endpoints, and of the table of peers. */
export function recordedRow(entry: 'endpoint_record' | 'peer_record'): Uint8Array {
  const docker = parsed('docker-20.10.24.json') as Record<string, { readonly value: string }>
  return bytesOf(docker[entry]?.value ?? 'missing')
}
