/** Two switches with an encrypted network between them, fed by hand. */
import { parseIp, type Ip } from '@weft/core'
import { SeededRandom, SimEntropy } from '@weft/core/testing'
import { NetworkKey, SEQUENCE_MAX } from '@weft/encryption'
import { nodeCipherSuites } from '@weft/runtime-node'
import type { EngineSubnet, SealingParts, SecurityProblem } from '../src/engine/index.ts'
import { blue, C1, C2, cut, EngineKit, port, sourceOf, stateOf, VNI } from './engine-kit.ts'

/** Addresses of the two, by family of their underlay. */
export const NEAR_VTEP = { 4: '192.0.2.1', 6: 'fd00:2::1' } as const
export const FAR_VTEP = { 4: '192.0.2.2', 6: 'fd00:2::2' } as const
export const TUNNEL_PORT = 4789

const SUITE = nodeCipherSuites['aes-128-gcm-8']

/** What a switch seals with; `label` decides its nonces. */
export function sealing(label: string, sequenceAfter = 0): SealingParts {
  const entropy = new SimEntropy(new SeededRandom(label))
  return { suite: SUITE, entropy, sequenceAfter: () => sequenceAfter }
}

/** Keys of these names, the first to seal with; `fill` tells keys of one name apart. */
export function keysOf(tags: readonly number[], fill = 0): NetworkKey[] {
  return tags.map((tag) => {
    const bytes = new Uint8Array(16).fill(tag + fill)
    return new NetworkKey({ lamportTime: BigInt(tag), bytes })
  })
}

/** One of the two. */
export class SealedEnd {
  readonly kit: EngineKit
  readonly #local: Ip
  readonly #peer: Ip

  constructor(local: string, peer: string, options: SealedEndOptions = {}) {
    const { label = local, sequenceAfter = 0, subnet = {} } = options
    this.#local = parseIp(local)
    this.#peer = parseIp(peer)
    const isNear = local === NEAR_VTEP[4] || local === NEAR_VTEP[6]
    const [own, other] = isNear ? [C1, C2] : [C2, C1]
    const spec = blue({
      encapsulation: 'vxlan-esp',
      ports: new Map([[own.mac, port(0, [own.ip4, own.ip6], options.offloads ?? 0)]]),
      forwarding: new Map([[other.mac, 0]]),
      neighbours: new Map([[other.ip4, other.mac]]),
      ...subnet,
    })
    const state = { ...stateOf({ [VNI]: spec }), peers: new Map([[0, this.#at(this.#peer)]]) }
    this.kit = new EngineKit(state, 64, sealing(label, sequenceAfter))
  }

  secure(
    keys: readonly NetworkKey[],
    peers: readonly Ip[] = [this.#peer],
  ): readonly SecurityProblem[] {
    return this.kit.engine.secure({ local: this.#at(this.#local), peers: new Set(peers), keys })
  }

  /** Send a frame; the packets that leave. */
  send(...input: Parameters<EngineKit['fromPort']>): Uint8Array[] {
    this.kit.sealed.length = 0
    this.kit.fromPort(...input).engine.flush()
    return this.kit.sealed.flatMap(({ bytes, segmentBytes }) => cut(bytes, segmentBytes))
  }

  /** Take packets in; the frames that are delivered, with what is left to be done about them. */
  receive(packets: Uint8Array, from: string, segmentBytes = 0): EngineKit['delivered'] {
    this.kit.delivered.length = 0
    this.kit.fromSealed(packets, sourceOf(from), segmentBytes)
    return [...this.kit.delivered]
  }

  #at(ip: Ip): { readonly ip: Ip; readonly port: number } {
    return { ip, port: TUNNEL_PORT }
  }
}

/** What is out of the ordinary. */
interface SealedEndOptions {
  readonly label?: string
  readonly sequenceAfter?: number
  readonly subnet?: Partial<EngineSubnet>
  readonly offloads?: number
}

/** Both ends with the same keys, over an underlay of this family. */
export function sealedPair(
  family: 4 | 6 = 4,
  options: SealedEndOptions = {},
): readonly [SealedEnd, SealedEnd] {
  const near = new SealedEnd(NEAR_VTEP[family], FAR_VTEP[family], options)
  const far = new SealedEnd(FAR_VTEP[family], NEAR_VTEP[family], options)
  for (const end of [near, far]) end.secure(keysOf([8, 7, 9]))
  return [near, far]
}

/** So that the next number is the last one. */
export const ALL_BUT_ONE = SEQUENCE_MAX - 1
