/** Datagrams of a tunnel, made by hand and put on the underlay. */
import { PacketBuffer, vxlan, vxlanHeader, VXLAN_FLAG } from '@weft/wire'
import { subnet } from '../cluster.ts'
import type { LabNode } from '../lab.ts'
import { FIRST_KEY, type Scene } from '../scene.ts'

/** A frame behind a VXLAN header (RFC 7348 §5). */
export function tunnelled(
  vni: number,
  frame: Uint8Array,
  flags: number = VXLAN_FLAG.vni,
): Uint8Array {
  const packet = PacketBuffer.of(frame)
  const header = vxlanHeader(subnet([vni]).vni)
  vxlan.write(packet.bytes, packet.prepend(vxlan.headerLength), { ...header, flags })
  return packet.view().slice()
}

/** Send a datagram as a node's tunnel would: sealed, where networks are encrypted. */
export async function inject(
  { lab: { sealing } }: Scene,
  { from, to }: { readonly from: LabNode; readonly to: LabNode },
  payload: Uint8Array,
): Promise<void> {
  if (sealing === undefined) return to.inject(from, payload)
  const ends = { from: from.tunnel, to: to.tunnel, key: FIRST_KEY }
  await sealing.inject(from, to, sealing.seal(ends, payload))
}
