/** ESP in UDP (RFC 3948): what a datagram on port 4500 carries, told by its first bytes. */
import { setU32, setU8, u32, u8 } from '@weft/core'
import { esp } from './esp.ts'
import { windowLength, type WireFault } from './header-codec.ts'

/** The UDP port of IKE and ESP behind address translation (RFC 3948 §2.1). */
export const ESP_IN_UDP_PORT = 4500

/** Bytes of zeros in front of what is not ESP: an SPI is never zero there (RFC 3948 §2.2). */
export const NON_ESP_MARKER_BYTES = 4

/** Bytes of a keepalive: a single 0xff (RFC 3948 §2.3). */
export const ESP_KEEPALIVE_BYTES = 1

const KEEPALIVE = 0xff

/** What a payload on that port is. `control` is IKE, or another protocol, behind its marker. */
export type EspInUdp = 'esp' | 'control' | 'keepalive'

/**
 * What the payload of a datagram is, or why it is none of these. ESP begins at `start`; `control`
 * begins NON_ESP_MARKER_BYTES behind it; a keepalive is to be ignored.
 */
export function espInUdp(bytes: Uint8Array, start: number, end: number): EspInUdp | WireFault {
  const length = windowLength(bytes, start, end)
  if (length === ESP_KEEPALIVE_BYTES && u8(bytes, start) === KEEPALIVE) return 'keepalive'
  if (length < NON_ESP_MARKER_BYTES) return 'short'
  if (u32(bytes, start) === 0) return 'control'
  return esp.check(bytes, start, end) ?? 'esp'
}

/** Write the marker that says that what follows is not ESP. */
export function writeNonEspMarker(bytes: Uint8Array, start: number): void {
  setU32(bytes, start, 0)
}

/** Write the payload of a datagram that keeps an address translation open. */
export function writeEspKeepalive(bytes: Uint8Array, start: number): void {
  setU8(bytes, start, KEEPALIVE)
}
