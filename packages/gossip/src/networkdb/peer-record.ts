/** Rows of `overlay_peer_table`: behind which VTEP an endpoint is (docker-wire §4.2). */
import type { InterfaceAddress, Ip, Mac } from '@weft/core'
import type { GossipFault } from '../memberlist/faults.ts'
import type { TableSchema } from './table-schema.ts'
import { interfaceAddressIn, ipIn, macIn } from './address-text.ts'
import { protoWriter } from './gossip-message.ts'
import { RECORD_TEXT_BYTES_MAX } from './limits.ts'
import { decodeProto, type ProtoReader } from './proto-reader.ts'

/** Where frames for one endpoint go. The row's key is the endpoint's identifier. */
export interface PeerRecord {
  /** The endpoint's address with the prefix length of its subnet. */
  readonly endpointIp: InterfaceAddress
  readonly endpointMac: Mac
  /** The VTEP of the node that has the endpoint. */
  readonly vtep: Ip
}

/**
 * The table from which engines program neighbours and forwarding entries. Engines of 20.10 take an
 * update for a delete: to change a row, delete it and create another (§4.4).
 */
export const peerTable: TableSchema<PeerRecord> = {
  name: 'overlay_peer_table',

  encode(record) {
    const writer = protoWriter()
    writer.uint32(0x0a).string(record.endpointIp)
    writer.uint32(0x12).string(record.endpointMac)
    writer.uint32(0x1a).string(record.vtep)
    return writer.finish()
  },

  /** `bad-value` when one of the three does not parse: nothing could be programmed. */
  decode(bytes): PeerRecord | GossipFault {
    const texts = decodeProto(bytes, readTexts)
    if (typeof texts === 'string') return texts
    const endpointIp = interfaceAddressIn(texts.endpointIp)
    const endpointMac = macIn(texts.endpointMac)
    const vtep = ipIn(texts.vtep)
    if (endpointIp === null || endpointMac === null || vtep === null) return 'bad-value'
    return { endpointIp, endpointMac, vtep }
  },
}

/** The record as it is written. */
interface PeerTexts {
  readonly endpointIp: string
  readonly endpointMac: string
  readonly vtep: string
}

function readTexts(reader: ProtoReader, end: number): PeerTexts {
  let endpointIp = ''
  let endpointMac = ''
  let vtep = ''
  while (reader.at < end) {
    const tag = reader.uint32()
    switch (tag) {
      case 0x0a: // endpoint_ip = 1
        endpointIp = reader.text(RECORD_TEXT_BYTES_MAX)
        break
      case 0x12: // endpoint_mac = 2
        endpointMac = reader.text(RECORD_TEXT_BYTES_MAX)
        break
      case 0x1a: // tunnel_endpoint_ip = 3
        vtep = reader.text(RECORD_TEXT_BYTES_MAX)
        break
      default:
        reader.skip(tag, 3)
    }
  }
  reader.close(end)
  return { endpointIp, endpointMac, vtep }
}
