/** The managers of a cluster, as nodes are told of them (docker-wire §7.6). */
import { create } from '@bufbuild/protobuf'
import { PeerSchema, WeightedPeerSchema, type WeightedPeer } from '@weft/swarm'
import type { Tables } from './tables.ts'

/** Docker's: all alike. */
const WEIGHT = 10n

/** Every manager, with the address that nodes reach it at. */
export function managersOf(tables: Tables): readonly WeightedPeer[] {
  return [...tables.all('node').values()].flatMap(({ id, managerStatus }) => {
    if (managerStatus === undefined) return []
    const peer = create(PeerSchema, { nodeId: id, addr: managerStatus.addr })
    return [create(WeightedPeerSchema, { peer, weight: WEIGHT })]
  })
}
