/** Sorts a desired state into what can be programmed here and typed failures for the rest. */
import { ipFamily, type SocketAddress } from '@weft/core'
import type { AcceptedNetwork, AcceptedState } from './accepted-state.ts'
import { capabilityName } from './capability-name.ts'
import { dataplaneError, type Capabilities, type ItemFailure } from './dataplane.ts'
import type { DesiredState, NetworkId, NetworkSpec } from './desired-state.ts'
import { portProblem, tunnelAddressProblem } from './item-checks.ts'
import {
  dependencyError,
  failureOf,
  invalidItem,
  unsupportedError,
  type ItemError,
} from './item-errors.ts'
import { itemPath } from './items.ts'
import { localLosers } from './validate-attachments.ts'
import { NetworkJudge } from './validate-network.ts'
import { PeerJudge } from './validate-peers.ts'
import { networkMtu, subnetVerdicts, type NetworkBounds } from './validate-subnets.ts'

/** What the host says that bears on what is acceptable. */
export interface NodeFacts {
  /**
   * MTU of the underlay interface that has the tunnel's address, in bytes; null when none has it,
   * and then no network can be.
   */
  readonly underlayMtuBytes: number | null
  /**
   * What this backend's sealing adds beyond ESP_OVERHEAD_BYTES, in bytes: UDP around ESP, a longer
   * tag; nothing when left out.
   */
  readonly sealExtraBytes?: number
}

/** A desired state sorted into what goes and what does not. */
export interface Validated {
  readonly accepted: AcceptedState
  /** One for every desired item that is not in `accepted`, in no order that matters. */
  readonly failures: readonly ItemFailure[]
}

/**
 * Validates one generation after the other and remembers enough to look only at what changed. The
 * verdict depends on the arguments alone, never on what was validated before.
 */
export class Validator {
  readonly #capabilities: Capabilities
  readonly #peers = new PeerJudge()
  readonly #networks = new Map<NetworkId, NetworkJudge>()

  constructor(capabilities: Capabilities) {
    this.#capabilities = capabilities
  }

  /** Never throws for a bad item; costs what changed since the last call when all is well. */
  validate(desired: DesiredState, facts: NodeFacts): Validated {
    for (const id of this.#networks.keys()) {
      if (!desired.networks.has(id)) this.#networks.delete(id)
    }
    const tunnelFailed = tunnelError(desired.tunnel, facts, this.#capabilities)
    const { sealExtraBytes = 0, underlayMtuBytes } = facts
    if (tunnelFailed !== null || underlayMtuBytes === null) {
      return refuseAll(desired, tunnelFailed ?? missingTunnel(desired.tunnel))
    }
    const underlayFamily = ipFamily(desired.tunnel.ip)
    const keys = desired.keys ?? []
    const capabilities = this.#capabilities
    const bounds = { capabilities, underlayMtuBytes, sealExtraBytes, underlayFamily, keys }
    return this.#validateNetworks(desired, bounds)
  }

  #validateNetworks(desired: DesiredState, bounds: NetworkBounds): Validated {
    const peers = this.#peers.judge(desired.peers, desired.tunnel)
    const failures: ItemFailure[] = failuresOf(peers.errors)
    const judges = this.#framedNetworks(desired, bounds, failures)
    const losers = localLosers(judges)
    const networks = new Map<NetworkId, AcceptedNetwork>()
    for (const judge of judges) {
      const network = judge.finish(peers, losers.get(judge.id), failures)
      networks.set(judge.id, network)
    }
    const { networks: _, ...frame } = desired
    const accepted = { ...frame, peers: peers.good, networks }
    return { accepted, failures: oncePerItem(failures) }
  }

  /** Judges of the networks that can be as such, after their subnets and local endpoints. */
  #framedNetworks(
    desired: DesiredState,
    bounds: NetworkBounds,
    failures: ItemFailure[],
  ): readonly NetworkJudge[] {
    const framed = new Map<NetworkId, number>()
    for (const [id, network] of desired.networks) {
      const mtu = networkMtu(id, network, bounds)
      if (typeof mtu === 'number') framed.set(id, mtu)
      else failures.push(...refusedNetwork(id, network, mtu))
    }
    const candidates = [...desired.networks].filter(([id]) => framed.has(id))
    const verdicts = subnetVerdicts(candidates, bounds.capabilities)
    return candidates.flatMap(([id, network]) => {
      const mtu = framed.get(id)
      const subnets = verdicts.get(id)
      if (mtu === undefined || subnets === undefined) return []
      const first = [...subnets.errors.keys()][0]
      if (subnets.good.length === 0 && first !== undefined) {
        for (const error of subnets.errors.values()) failures.push(failureOf(error))
        const cause = dependencyError(itemPath.network(id), itemPath.subnet(id, first.vni))
        failures.push(...refusedNetwork(id, { ...network, subnets: [] }, cause))
        return []
      }
      const judge = this.#networks.get(id) ?? new NetworkJudge(id)
      this.#networks.set(id, judge)
      judge.begin(network, { mtu, subnets, capabilities: this.#capabilities })
      return [judge]
    })
  }
}

/** Two subnets with one VNI share a name, and so a failure. */
function oncePerItem(failures: readonly ItemFailure[]): readonly ItemFailure[] {
  const first = new Map<string, ItemFailure>()
  for (const failure of failures) {
    if (!first.has(failure.item)) first.set(failure.item, failure)
  }
  return [...first.values()]
}

/** The one-shot form of a Validator. */
export function validate(
  desired: DesiredState,
  capabilities: Capabilities,
  facts: NodeFacts,
): Validated {
  return new Validator(capabilities).validate(desired, facts)
}

function failuresOf(errors: ReadonlyMap<unknown, ItemError>): ItemFailure[] {
  return [...errors.values()].map(failureOf)
}

function tunnelError(
  tunnel: SocketAddress,
  facts: NodeFacts,
  capabilities: Capabilities,
): ItemError | null {
  const item = itemPath.tunnel
  const problem = tunnelAddressProblem(tunnel.ip) ?? portProblem(tunnel.port)
  if (problem !== null) return invalidItem(item, problem)
  const family = ipFamily(tunnel.ip)
  if (!capabilities.underlayFamilies.has(family)) {
    return unsupportedError(item, capabilityName.underlayFamily(family))
  }
  return facts.underlayMtuBytes === null ? missingTunnel(tunnel) : null
}

function missingTunnel({ ip }: SocketAddress): ItemError {
  return dataplaneError('ERR_ATTACHMENT_MISSING', 'no interface has the tunnel address', {
    item: itemPath.tunnel,
    attachment: ip,
  })
}

function refuseAll(desired: DesiredState, error: ItemError): Validated {
  const failures = [failureOf(error)]
  for (const id of desired.peers.keys()) {
    failures.push(failureOf(dependencyError(itemPath.peer(id), itemPath.tunnel)))
  }
  for (const [id, network] of desired.networks) {
    const cause = dependencyError(itemPath.network(id), itemPath.tunnel)
    failures.push(...refusedNetwork(id, network, cause))
  }
  const { generation, tunnel } = desired
  return { accepted: { generation, tunnel, peers: new Map(), networks: new Map() }, failures }
}

/** A network fails, and all inside with it. */
function refusedNetwork(
  id: NetworkId,
  network: NetworkSpec,
  cause: ItemError,
): readonly ItemFailure[] {
  const inside = [
    ...network.subnets.map(({ vni }) => itemPath.subnet(id, vni)),
    ...[...network.local.keys()].map((name) => itemPath.local(id, name)),
    ...[...network.remote.keys()].map((name) => itemPath.remote(id, name)),
  ]
  const on = itemPath.network(id)
  return [failureOf(cause), ...inside.map((item) => failureOf(dependencyError(item, on)))]
}
