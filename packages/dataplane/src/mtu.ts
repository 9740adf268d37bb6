/** How much of the underlay's MTU is left inside an overlay (P8; RFC 7348 §5, docker-wire §6.6). */
import type { IpFamily } from '@weft/core'
import { VXLAN_OVERHEAD_IPV4_BYTES, VXLAN_OVERHEAD_IPV6_BYTES } from '@weft/wire'
import type { Encapsulation } from './desired-state.ts'

/** Outer IP header + UDP 8 + VXLAN 8 + inner Ethernet 14, in bytes. */
export const VXLAN_OVERHEAD_BYTES: { readonly [family in IpFamily]: number } = {
  4: VXLAN_OVERHEAD_IPV4_BYTES,
  6: VXLAN_OVERHEAD_IPV6_BYTES,
}

/** Smallest MTU a network may have: IPv6 needs 1280 (RFC 8200 §5), IPv4 hosts 576 (RFC 791). */
export const MTU_MIN_BYTES: { readonly [family in IpFamily]: number } = { 4: 576, 6: 1280 }

/**
 * What ESP adds with AES-GCM and a tag of 8 bytes (docker-wire §5.4, §6.6): header 8, nonce 8,
 * trailer 2, tag 8; and its text is padded to whole words.
 */
export const ESP_OVERHEAD_BYTES = 26
const ESP_WORD_BYTES = 4

/** Largest packet inside a network over an underlay of this MTU and family, in bytes. */
export function overlayMtu(
  underlayMtuBytes: number,
  underlayFamily: IpFamily,
  encapsulation: Encapsulation = 'vxlan',
): number {
  const clear = underlayMtuBytes - VXLAN_OVERHEAD_BYTES[underlayFamily]
  if (encapsulation === 'vxlan') return clear
  const sealed = clear - ESP_OVERHEAD_BYTES
  return sealed - (sealed % ESP_WORD_BYTES)
}
