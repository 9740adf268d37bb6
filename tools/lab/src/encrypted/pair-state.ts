/** What one of two hosts is to be told: an encrypted network, its container, and the other's. */
import { parseCidr, parseIp } from '@weft/core'
import type { DesiredState, TunnelKey } from '@weft/dataplane'
import { dockerOrder, NetworkKey } from '@weft/encryption'
import {
  innerIp,
  innerMac,
  PAIR_PORT,
  PAIR_VNI,
  pairIp,
  type PairKey,
} from './encrypted-host.ts'

const KEY_BYTES = 16

/** Keys in Docker's order: the oldest but one seals. None is none. */
export function pairKeys(keys: readonly PairKey[]): readonly TunnelKey[] {
  if (keys.length === 0) return []
  return dockerOrder(
    keys.map(({ isWrong = false, time }) => {
      const bytes = new Uint8Array(KEY_BYTES).fill(isWrong ? 0xff - time : time)
      return new NetworkKey({ lamportTime: BigInt(time), bytes })
    }),
  )
}

/** The state of host `number` of two. */
export function pairState(
  number: 1 | 2,
  host: {
    readonly generation: number
    readonly container: string
    readonly keys: readonly TunnelKey[]
  },
): DesiredState {
  const other = 3 - number
  const attachment = { kind: 'netns', path: host.container, ifname: 'eth0' } as const
  const here = { mac: innerMac(number), addresses: [innerIp(number)], attachment }
  const there = { mac: innerMac(other), addresses: [innerIp(other)], node: 'other' }
  const prefixes = [{ cidr: parseCidr('10.0.1.0/24'), gateway: parseIp('10.0.1.1') }]
  const blue = {
    encapsulation: 'vxlan-esp',
    mtu: null,
    subnets: [{ vni: PAIR_VNI, prefixes }],
    local: new Map([[`c${number}`, here]]),
    remote: new Map([[`c${other}`, there]]),
  } as const
  return {
    generation: host.generation,
    tunnel: { ip: pairIp(number), port: PAIR_PORT },
    peers: new Map([['other', { tunnel: { ip: pairIp(other), port: PAIR_PORT } }]]),
    networks: new Map([['blue', blue]]),
    keys: host.keys,
  }
}
