/** A published port, as rows of the ingress network carry it (docker-wire §4.1). */
import type { BinaryWriter } from '@bufbuild/protobuf/wire'
import { PORT_MAX } from '@weft/core'
import { RECORD_TEXT_BYTES_MAX } from './limits.ts'
import type { ProtoReader } from './proto-reader.ts'

/** Protocols of published ports, at the places of their values on the wire. */
export const PORT_PROTOCOLS = ['tcp', 'udp', 'sctp'] as const

/** A port of a service that every node answers on. */
export interface PortConfig {
  readonly name: string
  readonly protocol: (typeof PORT_PROTOCOLS)[number]
  /** The port inside the container. */
  readonly targetPort: number
  /** The port that clients use. */
  readonly publishedPort: number
}

/** Write a port into a message that was opened with `fork`. */
export function writePortConfig(writer: BinaryWriter, port: PortConfig): void {
  const protocol = PORT_PROTOCOLS.indexOf(port.protocol)
  if (port.name !== '') writer.uint32(0x0a).string(port.name)
  if (protocol !== 0) writer.uint32(0x10).uint32(protocol)
  if (port.targetPort !== 0) writer.uint32(0x18).uint32(port.targetPort)
  if (port.publishedPort !== 0) writer.uint32(0x20).uint32(port.publishedPort)
}

/** Read the port that ends at `end`; ports beyond 65,535 and unknown protocols are bad values. */
export function readPortConfig(reader: ProtoReader, end: number): PortConfig {
  let name = ''
  let code = 0
  let targetPort = 0
  let publishedPort = 0
  while (reader.at < end) {
    const tag = reader.uint32()
    switch (tag) {
      case 0x0a: // name = 1
        name = reader.text(RECORD_TEXT_BYTES_MAX)
        break
      case 0x10: // protocol = 2
        code = reader.uint32()
        break
      case 0x18: // target_port = 3
        targetPort = reader.uint32()
        break
      case 0x20: // published_port = 4
        publishedPort = reader.uint32()
        break
      default:
        reader.skip(tag, 4)
    }
  }
  reader.close(end)
  const protocol = PORT_PROTOCOLS[code]
  const isPossible = targetPort <= PORT_MAX && publishedPort <= PORT_MAX
  if (protocol === undefined || !isPossible) reader.refuse('bad-value')
  return { name, protocol: protocol ?? 'tcp', targetPort, publishedPort }
}
