/** The demo's world on virtual time: simulated hosts, and containers with a small stack inside. */
import type { Mac } from '@weft/core'
import { overlayMtu } from '@weft/dataplane'
import { SimLab, type SimLabNode, type SimLabVariant } from '@weft/dataplane-sim/lab'
import { NETWORKS } from './cast.ts'
import { SimContainers } from './sim-containers.ts'
import { SimRecorder } from './sim-recorder.ts'
import type { NetworkPlace, World, WorldControl, WorldHost, WorldTables } from './world.ts'

const UNDERLAY_MTU_BYTES = 1500
const RETURN_WITHIN_MS = 5_000

/** What may be chosen. */
export interface SimWorldOptions {
  /** All that crosses the underlay is kept, not only what crosses in the windows of the checks. */
  readonly record: boolean
  /** A model that differs from the true one: tests plant bugs, which the checks must find. */
  readonly variant?: SimLabVariant
}

/** Hosts on a simulated underlay of two subnets and a router, with an open dataplane each. */
export async function openSimWorld(
  hosts: number,
  { record, variant }: SimWorldOptions,
): Promise<World> {
  const lab = new SimLab({ underlay: 4, underlayMtuBytes: UNDERLAY_MTU_BYTES }, variant)
  const world = new SimWorld(lab, record)
  await world.open(hosts)
  return world
}

class SimWorld implements World {
  readonly backend = 'sim'
  readonly material = 'the executable model of the dataplane, on virtual time'
  readonly containers: SimContainers
  readonly capture: SimRecorder
  readonly control: WorldControl = {
    apply: (host, desired) => this.#node(host).dataplane.apply(desired),
    observe: (host) => this.#node(host).dataplane.observe(),
    killOwner: (host) => this.#node(host).crash(),
    succeed: (host) => this.#node(host).reopen(),
    isPersistent: () => true,
  }
  readonly tables: WorldTables = {
    deleteForwarding: async ({ host, network }, mac) => {
      await this.#node(host).sabotage({ kind: 'delete-forwarding', network, mac })
      return 'delete-forwarding'
    },
    forwardingReturned: (place, mac) => this.#forwardingReturned(place, mac),
    fingerprint: (host) => fingerprint(this.#node(host)),
  }
  readonly #lab: SimLab

  constructor(lab: SimLab, record: boolean) {
    this.#lab = lab
    this.containers = new SimContainers(lab.clock, overlayMtu(UNDERLAY_MTU_BYTES, 4))
    this.capture = new SimRecorder(lab, record)
  }

  get hosts(): readonly WorldHost[] {
    return this.#lab.nodes.map(({ name, tunnel }) => ({
      name,
      vtep: tunnel,
      subnet: `${tunnel.ip.slice(0, tunnel.ip.lastIndexOf('.'))}.0/24`,
    }))
  }

  async open(hosts: number): Promise<void> {
    for (let n = 1; n <= hosts; n++) await this.#lab.node(`host-${n}`)
  }

  now(): number {
    return this.#lab.clock.now()
  }

  async close(): Promise<readonly string[]> {
    const { leaked } = await this.#lab.close()
    return leaked
  }

  async keep(): Promise<readonly string[]> {
    throw new Error('bug: a simulated lab ends with its process')
  }

  async #forwardingReturned({ host, network }: NetworkPlace, mac: Mac): Promise<number | null> {
    const vni = NETWORKS.find(({ name }) => name === network)?.vni
    if (vni === undefined) throw new Error(`bug: no network ${network}`)
    const { machine } = this.#node(host)
    const start = this.now()
    const back = (): boolean => machine.entriesOf(network, vni)?.forwarding.has(mac) ?? false
    const returned = await this.#lab.clock.advanceUntil(back, RETURN_WITHIN_MS)
    return returned ? this.now() - start : null
  }

  #node(host: string): SimLabNode {
    const node = this.#lab.nodes.find(({ name }) => name === host)
    if (node === undefined) throw new Error(`bug: no host ${host}`)
    return node
  }
}

/** Read from the machine, since its owner may be dead. */
function fingerprint({ machine }: SimLabNode): string {
  return JSON.stringify([...machine.read().networks], (_key, value: unknown) =>
    value instanceof Map ? [...(value as Map<unknown, unknown>)] : value,
  )
}
