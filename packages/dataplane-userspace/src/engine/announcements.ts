/**
 * Telling endpoints who has an address now. Some asked before, and would go on sending to the MAC
 * of old until they doubt it, up to a minute later; others asked in vain, and would wait a second
 * before they ask again (RFC 826, RFC 4861 §7.2.6).
 */
import { ipFamily } from '@weft/core'
import { gratuitousArpFrame, unsolicitedAdvertisementFrame } from '@weft/wire'
import { PacketView } from './packet-view.ts'
import type { PortDelivery } from './port-delivery.ts'
import type { SwitchSubnet } from './switch-subnet.ts'
import type { Arrival, SwitchTables } from './switch-tables.ts'

/** Frames that one load sends: for whoever is not told all is as if nobody had been. */
export const ANNOUNCED_FRAMES_MAX = 1024

/** What announcing needs. */
export interface AnnouncementOptions {
  readonly tables: SwitchTables
  readonly delivery: PortDelivery
  /** Room for one frame. */
  readonly room: { readonly bytes: Uint8Array; readonly start: number }
}

/** Tell all ports of each subnet but the one that has the address, as long as frames are left. */
export function announce(
  arrivals: readonly Arrival[],
  { delivery, room, tables }: AnnouncementOptions,
): void {
  const view = new PacketView(room.bytes)
  let left = ANNOUNCED_FRAMES_MAX
  for (const { ip, mac, port, subnet } of arrivals) {
    const others = othersThan(port, subnet)
    if (others.length === 0) continue
    const frame = (ipFamily(ip) === 4 ? gratuitousArpFrame : unsolicitedAdvertisementFrame)({
      ip,
      mac,
    })
    for (const number of others) {
      const to = tables.port(number)
      if (to === undefined) continue
      if (left-- === 0) return
      room.bytes.set(frame, room.start)
      view.setPlain(room.bytes, room.start, room.start + frame.length)
      delivery.deliver(to, view)
    }
  }
}

function othersThan(port: number, { ports }: SwitchSubnet): Int32Array {
  return ports.filter((number) => number !== port)
}
