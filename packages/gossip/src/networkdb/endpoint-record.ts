/** Rows of `endpoint_table`: by which names an endpoint is found (docker-wire §4.1). */
import type { Ip } from '@weft/core'
import type { GossipFault } from '../memberlist/faults.ts'
import type { TableSchema } from './table-schema.ts'
import { ipIn } from './address-text.ts'
import { protoWriter } from './gossip-message.ts'
import { ALIASES_MAX, INGRESS_PORTS_MAX, RECORD_TEXT_BYTES_MAX } from './limits.ts'
import { readPortConfig, writePortConfig, type PortConfig } from './port-config.ts'
import { decodeProto, type ProtoReader } from './proto-reader.ts'

/** The names of one endpoint. The row's key is the endpoint's identifier. */
export interface EndpointRecord {
  /** The container's; never empty. */
  readonly name: string
  /** Empty, as the two that follow, for a container that is no task of a service. */
  readonly serviceName: string
  readonly serviceId: string
  /** Where the service is reached; null: it has no address of its own (DNS round robin). */
  readonly virtualIp: Ip | null
  readonly endpointIp: Ip
  /** On the ingress network only. */
  readonly ingressPorts: readonly PortConfig[]
  /** Of the service. */
  readonly aliases: readonly string[]
  /** Of the container. */
  readonly taskAliases: readonly string[]
  /** It is to be taken out of load balancing, and still there. */
  readonly serviceDisabled: boolean
}

/** What Go prints for an address that is nil. */
const NO_IP = '<nil>'

/**
 * The table from which engines answer DNS and balance load. Engines of 20.10 honour no update but
 * one that disables: to change a name, delete the row and create another (§4.4).
 */
export const endpointTable: TableSchema<EndpointRecord> = {
  name: 'endpoint_table',

  encode(record) {
    const writer = protoWriter()
    const write = (tag: number, text: string): void => {
      if (text !== '') writer.uint32(tag).string(text)
    }
    write(0x0a, record.name)
    write(0x12, record.serviceName)
    write(0x1a, record.serviceId)
    write(0x22, record.virtualIp ?? NO_IP)
    write(0x2a, record.endpointIp)
    for (const port of record.ingressPorts) {
      writePortConfig(writer.uint32(0x32).fork(), port)
      writer.join()
    }
    for (const alias of record.aliases) writer.uint32(0x3a).string(alias)
    for (const alias of record.taskAliases) writer.uint32(0x42).string(alias)
    if (record.serviceDisabled) writer.uint32(0x48).bool(true)
    return writer.finish()
  },

  /** `bad-value` where engines ignore the row: no name, or an endpoint_ip that does not parse. */
  decode(bytes): EndpointRecord | GossipFault {
    const texts = decodeProto(bytes, readTexts)
    if (typeof texts === 'string') return texts
    const endpointIp = ipIn(texts.endpointIp)
    if (texts.name === '' || endpointIp === null) return 'bad-value'
    const virtualIp = texts.virtualIp === NO_IP ? null : ipIn(texts.virtualIp)
    return { ...texts, virtualIp, endpointIp }
  },
}

/** The record with its addresses as they are written. */
interface EndpointTexts extends Omit<EndpointRecord, 'virtualIp' | 'endpointIp'> {
  readonly virtualIp: string
  readonly endpointIp: string
}

function readTexts(reader: ProtoReader, end: number): EndpointTexts {
  const texts = { name: '', serviceName: '', serviceId: '', virtualIp: '', endpointIp: '' }
  const ingressPorts: PortConfig[] = []
  const aliases: string[] = []
  const taskAliases: string[] = []
  let serviceDisabled = false
  while (reader.at < end) {
    const tag = reader.uint32()
    switch (tag) {
      case 0x0a: // name = 1
        texts.name = reader.text(RECORD_TEXT_BYTES_MAX)
        break
      case 0x12: // service_name = 2
        texts.serviceName = reader.text(RECORD_TEXT_BYTES_MAX)
        break
      case 0x1a: // service_id = 3
        texts.serviceId = reader.text(RECORD_TEXT_BYTES_MAX)
        break
      case 0x22: // virtual_ip = 4
        texts.virtualIp = reader.text(RECORD_TEXT_BYTES_MAX)
        break
      case 0x2a: // endpoint_ip = 5
        texts.endpointIp = reader.text(RECORD_TEXT_BYTES_MAX)
        break
      case 0x32: { // ingress_ports = 6
        if (ingressPorts.length === INGRESS_PORTS_MAX) reader.refuse('too-many')
        const port = readPortConfig(reader, reader.window(end))
        if (ingressPorts.length < INGRESS_PORTS_MAX) ingressPorts.push(port)
        break
      }
      case 0x3a: // aliases = 7
        addAlias(reader, aliases)
        break
      case 0x42: // task_aliases = 8
        addAlias(reader, taskAliases)
        break
      case 0x48: // service_disabled = 9
        serviceDisabled = reader.uint32() !== 0
        break
      default:
        reader.skip(tag, 9)
    }
  }
  reader.close(end)
  return { ...texts, ingressPorts, aliases, taskAliases, serviceDisabled }
}

function addAlias(reader: ProtoReader, aliases: string[]): void {
  const alias = reader.text(RECORD_TEXT_BYTES_MAX)
  if (aliases.length === ALIASES_MAX) reader.refuse('too-many')
  else aliases.push(alias)
}
