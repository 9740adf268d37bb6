/** Starting the peers that are installed. */
import { describeError } from '@weft/core'
import { missingPrograms } from '../commands.ts'
import type { Contender } from '../contenders.ts'
import type { TwoHosts } from '../two-hosts.ts'
import { n2n } from './n2n.ts'
import { nebula } from './nebula.ts'
import { PeerPlace } from './peer-place.ts'
import type { Peer } from './peer.ts'
import { tinc } from './tinc.ts'
import { wireguardGo } from './wireguard-go.ts'

const PEERS: readonly Peer[] = [wireguardGo, nebula, tinc, n2n]

/** Those that answer. */
export interface StartedPeers extends AsyncDisposable {
  readonly contenders: readonly Contender[]
}

/** `say` is told of every peer that is not there, with the reason. */
export async function startPeers(
  hosts: TwoHosts,
  say: (line: string) => void,
): Promise<StartedPeers> {
  const places: PeerPlace[] = []
  const contenders: Contender[] = []
  for (const [number, peer] of PEERS.entries()) {
    const missing = missingPrograms(peer.programs.map((name) => [name, peer.packages.join(', ')]))
    if (missing.length > 0) {
      say(`without ${peer.name}, not on the PATH; apt-get install ${peer.packages.join(' ')}`)
      continue
    }
    const place = new PeerPlace(hosts, number)
    places.push(place)
    try {
      await peer.start(place)
      await place.awaitAnswer()
    } catch (error) {
      say(`without ${peer.name}, which does not start: ${describeError(error)}`)
      continue
    }
    const path = {
      client: place.a.namespace,
      server: place.b.namespace,
      address: place.b.address,
    }
    contenders.push({ name: peer.name, path, pids: place.pids })
  }
  const close = async (): Promise<void> => {
    for (const place of places) await place[Symbol.asyncDispose]()
  }
  return { contenders, [Symbol.asyncDispose]: close }
}
