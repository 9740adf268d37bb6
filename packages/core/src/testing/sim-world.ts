/** A whole simulated world from one seed: a clock, a network, a transcript, and nodes on them. */
import type { Runtime } from '../runtime.ts'
import { SeededRandom } from '../random-stream.ts'
import { SimEntropy } from './sim-entropy.ts'
import type { SimHost } from './sim-host.ts'
import { SimNetwork, type SimNetworkOptions } from './sim-network.ts'
import { Transcript } from './transcript.ts'
import { VirtualClock } from './virtual-clock.ts'

/** A node's runtime in a simulated world; its underlay is a host that can crash. */
export interface SimRuntime extends Runtime {
  readonly underlay: SimHost
}

/** The world around simulated nodes. */
export interface SimWorld {
  readonly clock: VirtualClock
  readonly random: SeededRandom
  readonly network: SimNetwork
  readonly transcript: Transcript
  /** Add a node with these addresses; it draws chance and secrets from streams of its own. */
  node(name: string, addresses: readonly string[]): SimRuntime
}

/** A world in which everything that happens follows from `seed` and the code under test. */
export function createSimWorld(
  seed: string | number,
  options: Pick<SimNetworkOptions, 'link' | 'routes'> = {},
): SimWorld {
  const clock = new VirtualClock()
  const random = new SeededRandom(seed)
  const network = new SimNetwork({ ...options, clock, random: random.fork('network') })
  const transcript = new Transcript(clock)
  transcript.watch(network)
  const node = (name: string, addresses: readonly string[]): SimRuntime => {
    const own = random.fork(`node ${name}`)
    return {
      clock,
      random: own.fork('random'),
      entropy: new SimEntropy(own.fork('entropy')),
      underlay: network.host(name, addresses),
      log: transcript.logger(name),
    }
  }
  return { clock, random, network, transcript, node }
}
