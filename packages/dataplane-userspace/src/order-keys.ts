/** Keys on their way to the switch's thread: copied out for one message, which moves the copy. */
import { TUNNEL_KEY_BYTES, type TunnelKey } from '@weft/dataplane'
import { SALT_BYTES } from '@weft/encryption'
import type { KeyBytes, SecuritySpec, SwitchOrder } from './switch-protocol.ts'

/** Bytes that fill their memory, which can then be moved. */
interface OwnBytes extends KeyBytes {
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** An order that can be sent, and the memory that goes along and is gone here. */
export interface SendableOrder {
  readonly order: SwitchOrder<KeyBytes>
  readonly transfer: readonly ArrayBuffer[]
}

/** The order with its keys' bytes. One that its owner has zeroed is left out: what it did ends. */
export function sendable(order: SwitchOrder): SendableOrder {
  if (order.kind !== 'load') return { order, transfer: [] }
  const { security } = order.update
  const spec = security === null || security.spec === null ? null : withBytes(security.spec)
  const update = { ...order.update, security: security === null ? null : { spec } }
  const transfer = spec?.keys.map(({ bytes }) => bytes.buffer) ?? []
  return { order: { kind: 'load', update }, transfer }
}

function withBytes(spec: SecuritySpec): SecuritySpec<OwnBytes> {
  return { ...spec, keys: spec.keys.filter(({ isZeroed }) => !isZeroed).map(bytesOf) }
}

function bytesOf(key: TunnelKey): OwnBytes {
  const material = new Uint8Array(TUNNEL_KEY_BYTES + SALT_BYTES)
  key.writeKeyMaterial(material, 0, 0)
  const bytes = material.slice(0, TUNNEL_KEY_BYTES)
  material.fill(0)
  return { tag: key.tag, bytes }
}
