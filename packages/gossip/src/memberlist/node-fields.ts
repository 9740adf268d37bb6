/** What an alive and a push/pull both say of a node, and when it is believed (docker-wire §2.2). */
import { IPV4_BYTES, IPV6_BYTES, u8 } from '@weft/core'
import type { GossipFault } from './faults.ts'
import { FIELD, fieldSet, type Field } from './field.ts'
import type { FieldReader } from './field-reader.ts'
import { META_BYTES_MAX, NAME_BYTES_MAX } from './limits.ts'
import type { Versions } from './messages.ts'

const VERSIONS_BYTES = 6

/** What peers older than protocol negotiation say; rules that want a version refuse it. */
const NO_VERSIONS: Versions = [0, 0, 0, 0, 0, 0]

/** Fields of an alive. */
export const NODE_FIELDS = fieldSet(
  FIELD.incarnation,
  FIELD.node,
  FIELD.addr,
  FIELD.port,
  FIELD.meta,
  FIELD.vsn,
)

/** Fields of a node in a push/pull. */
export const STATE_FIELDS = fieldSet(
  FIELD.incarnation,
  FIELD.name,
  FIELD.addr,
  FIELD.port,
  FIELD.meta,
  FIELD.state,
  FIELD.vsn,
)

/** True when the field holds a name: 1 to NAME_BYTES_MAX bytes of UTF-8. */
export function isName(from: FieldReader, field: Field): boolean {
  return from.length(field) > 0 && isOptionalName(from, field)
}

/** True when the field holds a name or nothing. */
export function isOptionalName(from: FieldReader, field: Field): boolean {
  return from.length(field) <= NAME_BYTES_MAX && from.isText(field)
}

/** True when the field has the length of an address. */
export function isAddress(from: FieldReader, field: Field): boolean {
  const length = from.length(field)
  return length === IPV4_BYTES || length === IPV6_BYTES
}

/** The versions of a node whose name and other fields can be true, or why not. */
export function readVersions(from: FieldReader, name: Field): Versions | GossipFault {
  const isBelievable =
    isName(from, name) &&
    isAddress(from, FIELD.addr) &&
    from.number(FIELD.port) > 0 &&
    from.length(FIELD.meta) <= META_BYTES_MAX
  if (!isBelievable) return 'bad-value'
  const length = from.length(FIELD.vsn)
  if (length === 0) return NO_VERSIONS
  if (length !== VERSIONS_BYTES) return 'bad-value'
  const vsn = from.view(FIELD.vsn)
  return [u8(vsn, 0), u8(vsn, 1), u8(vsn, 2), u8(vsn, 3), u8(vsn, 4), u8(vsn, 5)]
}
