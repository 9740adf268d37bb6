/** SPIs as Docker derives them (docker-wire §5.3): both sides compute them, nobody is asked. */
import { ipBytes, ipFamily, type Ip } from '@weft/core'

/**
 * Which bytes of an IPv4 address are hashed. `sixteen-byte`: its form in IPv6, `::ffff:a.b.c.d`, as
 * nearly all releases. `four-byte`: the address alone, as 25.0.13, 25.0.14, 28.2.2 and 29.0.0 to
 * 29.2.0 do; they reach nobody else. IPv6 addresses are hashed alike by both.
 */
export type SpiGeneration = 'sixteen-byte' | 'four-byte'

/** One direction between two nodes under one key. */
export interface SpiInput {
  /** The address the sender advertises for its tunnels. */
  readonly source: Ip
  /** The address the receiver advertises. */
  readonly destination: Ip
  /** The key's tag. */
  readonly tag: number
}

const FNV_OFFSET = 0x811c_9dc5
const FNV_PRIME = 0x0100_0193
const MAPPED_PREFIX = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff)

/**
 * The security parameters index of packets from source to destination under a key: FNV-1a over
 * source, tag and destination. Distinct inputs may share one: 32 bits are few for large clusters.
 */
export function spiOf(
  { source, destination, tag }: SpiInput,
  generation: SpiGeneration,
): number {
  const tagBytes = [tag >>> 24, (tag >>> 16) & 0xff, (tag >>> 8) & 0xff, tag & 0xff]
  const hash = fnv(hashIp(FNV_OFFSET, source, generation), tagBytes)
  return hashIp(hash, destination, generation) >>> 0
}

function hashIp(hash: number, address: Ip, generation: SpiGeneration): number {
  const isMapped = generation === 'sixteen-byte' && ipFamily(address) === 4
  return fnv(isMapped ? fnv(hash, MAPPED_PREFIX) : hash, ipBytes(address))
}

/** FNV-1a with 32 bits. */
function fnv(hash: number, bytes: Iterable<number>): number {
  let state = hash
  for (const byte of bytes) state = Math.imul(state ^ byte, FNV_PRIME)
  return state
}
