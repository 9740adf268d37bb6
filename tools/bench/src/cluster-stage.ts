/** The stage of the cluster's figures: two engines in a swarm, beside them two hosts with weftd. */
import { assert } from '@weft/core'
import { BUSYBOX_IMAGE, DockerLab, eventually, runOn, startOn, WeftHost } from '@weft/lab'
import type { EngineHost, Machine } from '@weft/lab'
import { join } from 'node:path'

/** The overlay network of either cluster. */
export const NETWORK = 'blue'

const CREATE = ['network', 'create', '-d', 'overlay', '--attachable', NETWORK] as const
const STANDING_WITHIN_MS = 30_000
const PEERS_WITHIN_MS = 120_000
/** Octets of the peers' addresses; those of the lab's own hosts are lower. */
const PEERS_FROM = 100

/** Two clusters on the same wire, with one network each. */
export class ClusterStage implements AsyncDisposable {
  readonly engine: EngineHost
  readonly manager: WeftHost
  readonly worker: WeftHost
  /** An endpoint of ours on the manager's host. */
  target = ''
  readonly #lab: DockerLab
  #addresses = 0

  private constructor(lab: DockerLab, engine: EngineHost) {
    this.#lab = lab
    this.engine = engine
    this.manager = new WeftHost(lab.addHost('weft-1'))
    this.worker = new WeftHost(lab.addHost('weft-2'))
  }

  /** Start it all; our programs as they were built. */
  static async open(): Promise<ClusterStage> {
    const lab = await DockerLab.open({ built: true })
    try {
      const engines = [await lab.addEngine('docker-1'), await lab.addEngine('docker-2')]
      const [first, second] = engines
      assert(first !== undefined && second !== undefined, 'two engines were made')
      await first.docker(['swarm', 'init', '--advertise-addr', first.ip])
      const token = await first.docker(['swarm', 'join-token', '--quiet', 'worker'])
      await second.docker(['swarm', 'join', '--token', token, first.ip])
      await first.docker([...CREATE])
      // A container on the other host, as ours has an endpoint there.
      await first.docker(['run', '-d', '--network', NETWORK, BUSYBOX_IMAGE, 'sleep', '100000'])
      const stage = new ClusterStage(lab, second)
      await stage.#start()
      return stage
    } catch (error) {
      await lab.close()
      throw error
    }
  }

  /** Start nodes that are peers of our two; resolves when all are attached. */
  async addPeers(count: number): Promise<void> {
    const machine = this.#lab.addHost('peers')
    const prefix = machine.ip.replace(/\d+$/, '')
    const ips = Array.from({ length: count }, (_, i) => `${prefix}${PEERS_FROM + i}`)
    await runOn(machine, ['sh', '-c', ADD_ADDRESSES, 'sh', ...ips])
    const script = join(import.meta.dirname, 'cluster-peers.ts')
    const node = ['node', '--conditions=@weft/source', script] as const
    const manager = `${this.manager.machine.ip}:2377`
    const child = startOn(machine, [...node, manager, await this.#token(), NETWORK, ...ips])
    let said = ''
    const hear = (text: string): void => void (said += text)
    child.stdout.setEncoding('utf8').on('data', hear)
    child.stderr.setEncoding('utf8').on('data', hear)
    const check = async (): Promise<void> => {
      if (!said.includes('ready')) throw new Error(said)
      const peers = JSON.parse(await this.worker.weft('peers', '--json')) as { state: string }[]
      const alive = peers.filter(({ state }) => state === 'alive').length
      if (alive < count) throw new Error(`${alive} peers of ${count}`)
    }
    await eventually(check, { withinMs: PEERS_WITHIN_MS, what: 'all peers' })
  }

  /** New empty namespaces of the worker. */
  async namespaces(count: number): Promise<string[]> {
    const names = Array.from({ length: count }, () => `n${++this.#addresses}`)
    const script = 'for n in "$@"; do ip netns add $n; done'
    await runOn(this.worker.machine, ['sh', '-c', script, 'sh', ...names])
    return names
  }

  /** Detach them, and remove them. */
  async removeNamespaces(names: readonly string[]): Promise<void> {
    const withinMs = STANDING_WITHIN_MS + 2_000 * names.length
    const { machine } = this.worker
    const attached = names.map((name) => `${NETWORK}/${name}`)
    await runOn(machine, ['weft', 'detach', ...attached], { withinMs })
    const script = 'for n in "$@"; do ip netns delete $n; done'
    await runOn(machine, ['sh', '-euc', script, 'sh', ...names], { withinMs })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lab.close()
  }

  async #start(): Promise<void> {
    const { machine } = this.manager
    await this.manager.start()
    await this.worker.start()
    await this.manager.weft('swarm', 'init', '--advertise-addr', machine.ip)
    await this.manager.weft(...CREATE)
    const to = `${machine.ip}:2377`
    await this.worker.weft('swarm', 'join', '--token', await this.#token(), to)
    this.target = await attachTarget(this.manager, machine)
  }

  #token(): Promise<string> {
    return this.manager.weft('swarm', 'join-token', '--quiet', 'worker')
  }
}

const ADD_ADDRESSES = 'for a in "$@"; do ip addr add $a/24 dev eth0; done'

/** Resolves to the address of a new endpoint. */
async function attachTarget(host: WeftHost, machine: Machine): Promise<string> {
  await runOn(machine, ['ip', 'netns', 'add', 'target'])
  const words = ['--network', NETWORK, '--name', 'target', '--netns', '/run/netns/target']
  await host.weft('attach', ...words)
  const all = JSON.parse(await host.weft('attachments', '--json')) as { addresses: string[] }[]
  const [address = ''] = all[0]?.addresses ?? []
  return address.replace(/\/.*/, '')
}
