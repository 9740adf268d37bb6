/** Networks as people make and remove them. */
import type { Entropy } from '@weft/core'
import { createId, swarmError, type Network, type NetworkSpec } from '@weft/swarm'
import type { Allocator } from './allocator.ts'
import { notFound } from './cluster-facts.ts'
import type { Draft } from './draft.ts'
import type { Objects } from './objects.ts'
import { networkName } from './tables.ts'

/** Networks of one cluster. */
export const NETWORKS_MAX = 8_192

/** Makes and removes networks for people. */
export class NetworkControl {
  readonly #objects: Objects
  readonly #allocator: Allocator
  readonly #entropy: Entropy

  constructor(objects: Objects, allocator: Allocator, entropy: Entropy) {
    this.#objects = objects
    this.#allocator = allocator
    this.#entropy = entropy
  }

  /** Throws ERR_INVALID_ARGUMENT, ERR_ALREADY_EXISTS, ERR_EXHAUSTED, ERR_UNIMPLEMENTED. */
  async create(spec: NetworkSpec): Promise<Network> {
    const id = createId(this.#entropy)
    return this.#objects.transact((draft) => {
      checkNew(draft, spec)
      return draft.put('network', this.#allocator.planNetwork(draft, id, spec))
    })
  }

  /** Throws ERR_NOT_FOUND, ERR_PRECONDITION while a task uses it. */
  async remove(id: string): Promise<void> {
    await this.#objects.transact((draft) => {
      if (draft.tables.get('network', id) === null) throw notFound('network', id)
      const [task] = draft.tables.tasksIn(id).keys()
      if (task !== undefined) {
        const message = `network ${id} is in use by task ${task}`
        throw swarmError('ERR_PRECONDITION', message, { subject: id })
      }
      draft.remove('network', id)
    })
  }
}

function checkNew({ tables }: Draft, spec: NetworkSpec): void {
  const name = spec.annotations?.name ?? ''
  const same = tables.networkNamed(name)
  if (same !== null) {
    const facts = { subject: name, owner: same.id }
    throw swarmError('ERR_ALREADY_EXISTS', `network with name ${name} already exists`, facts)
  }
  if (tables.all('network').size >= NETWORKS_MAX) {
    const message = `the swarm has ${NETWORKS_MAX} networks`
    throw swarmError('ERR_EXHAUSTED', message, { subject: 'networks' })
  }
  if (!spec.ingress) return
  for (const network of tables.all('network').values()) {
    if (network.spec?.ingress !== true) continue
    const facts = { subject: name, owner: networkName(network) }
    const message = `ingress network (${network.id}) is already present`
    throw swarmError('ERR_ALREADY_EXISTS', message, facts)
  }
}
