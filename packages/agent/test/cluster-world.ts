/** A whole cluster on virtual time: a real manager, real gossip, simulated dataplanes. */
import { create } from '@bufbuild/protobuf'
import { createLogger, parseIp, type Logger } from '@weft/core'
import { createSimWorld, type SimRuntime, type SimWorld } from '@weft/core/testing'
import type { Dataplane } from '@weft/dataplane'
import { simBackend, SimMachine, simOptions } from '@weft/dataplane-sim'
import { SimCard } from '@weft/dataplane-sim/lab'
import { lanProfile } from '@weft/gossip'
import { createCluster, MemoryStore, openManager, type Manager } from '@weft/manager'
import { nodeAead } from '@weft/runtime-node'
import {
  AnnotationsSchema,
  NetworkSpecSchema,
  NodeAvailability,
  type AttachmentView,
  type Network,
  type NodeIdentity,
} from '@weft/swarm'
import { defaultTunables, openAgent, requestIdentity, type Agent } from '../src/index.ts'
import type { AgentTunables } from '../src/index.ts'
import { ManagerWeb } from './direct-dialer.ts'
import { MemoryFiles } from './memory-files.ts'
import { MortalClock } from './mortal-clock.ts'
import { PaperCertificates } from './paper-certificates.ts'
import { StreamWeb } from './sim-streams.ts'

/** Address of the manager. */
export const MANAGER = '192.0.2.1:2377'

/** A machine that may run an agent. */
export class WorldNode {
  readonly name: string
  readonly ip: string
  readonly world: ClusterWorld
  readonly files = new MemoryFiles()
  readonly machine: SimMachine
  readonly host: SimRuntime
  readonly logs: string[] = []
  identity: NodeIdentity | null = null
  dataplane!: Dataplane
  agent!: Agent
  #clock!: MortalClock

  constructor(world: ClusterWorld, name: string, ip: string) {
    this.world = world
    this.name = name
    this.ip = ip
    this.host = world.sim.node(name, [ip])
    const mtuBytes = new Map([[parseIp(ip), 1500]])
    this.machine = new SimMachine({ underlay: this.host.underlay, mtuBytes })
  }

  /** Its identity; it has joined. */
  get member(): NodeIdentity {
    if (this.identity === null) throw new Error('join first')
    return this.identity
  }

  /** Ask to be let in, as `join` does. */
  async join(token = this.world.token()): Promise<this> {
    const { certificates, web } = this.world
    const { identity } = await this.world.settled(
      requestIdentity(
        { addresses: [MANAGER], token, availability: NodeAvailability.ACTIVE },
        { ...this.host, certificates, dialer: web.dialer(this.ip) },
      ),
    )
    this.identity = identity
    return this
  }

  /** Start an agent; resolves when it is open, not when it has a session. */
  async start(tunables: Partial<AgentTunables> = {}): Promise<this> {
    const { certificates, web, streams, sim } = this.world
    this.#clock = new MortalClock(this.host.clock)
    const runtime = { ...this.host, clock: this.#clock }
    const random = runtime.random.fork(`life ${sim.clock.now()}`)
    this.dataplane = await simBackend.open(runtime, simOptions(this.machine))
    const ip = parseIp(this.ip)
    const log: Logger = createLogger((level, message, fields) => {
      this.logs.push(`${level} ${message} ${JSON.stringify(fields)}`)
    })
    const opening = openAgent(
      {
        identity: this.member,
        managers: [MANAGER],
        facts: {
          hostname: this.name,
          architecture: 'x86_64',
          os: 'linux',
          nanoCpus: 2e9,
          memoryBytes: 1 << 30,
          engineVersion: '0.0.0',
          labels: {},
        },
        bindIp: ip,
        advertiseIp: ip,
        dataPathIp: ip,
        gossipPort: 7946,
        profile: lanProfile(),
        tunables: { ...defaultTunables(), ...tunables },
      },
      {
        ...runtime,
        log,
        random,
        dialer: web.dialer(this.ip),
        certificates,
        dataplane: this.dataplane,
        files: this.files,
        streams: streams.host(ip),
        aead: nodeAead,
        saveIdentity: async (identity) => void (this.identity = identity),
      },
    )
    this.agent = await this.world.settled(opening)
    return this
  }

  /** The process is killed: nothing of it happens any more; what it programmed stays. */
  kill(): void {
    this.#clock.kill()
    this.host.underlay.crash()
    this.world.streams.crash(parseIp(this.ip))
    this.world.web.crash(this.ip)
  }

  /** Attach a card to a network. */
  attach(network: string, name: string, card = new SimCard()): Promise<AttachmentView> {
    return this.world.settled(
      this.agent.attach({
        network,
        name,
        aliases: [],
        target: { kind: 'port', port: card },
        address: null,
      }),
    )
  }

  /** Remote endpoints that are programmed on a network: address → VTEP. */
  async remote(networkId: string): Promise<Record<string, string>> {
    const { items } = await this.dataplane.observe()
    const prefix = `networks/${networkId}/fdb/`
    return Object.fromEntries(
      [...items]
        .filter(([path]) => path.startsWith(prefix))
        .map(([path, to]) => [path.slice(path.lastIndexOf('/') + 1), to]),
    )
  }
}

/** The cluster and its machines. */
export class ClusterWorld {
  readonly sim: SimWorld
  readonly web = new ManagerWeb()
  readonly streams: StreamWeb
  readonly certificates = new PaperCertificates()
  readonly nodes: WorldNode[] = []
  store = new MemoryStore()
  manager!: Manager
  /** The manager's machine: it runs an agent too, with which the ring begins. */
  head!: WorldNode

  private constructor(seed: number) {
    this.sim = createSimWorld(seed)
    this.streams = new StreamWeb(this.sim.clock)
  }

  /** A cluster with a manager and `count` workers that have joined, all with agents. */
  static async open(count: number, seed = 1): Promise<ClusterWorld> {
    const world = new ClusterWorld(seed)
    world.head = new WorldNode(world, 'manager', '192.0.2.1')
    const initial = {
      address: MANAGER,
      availability: NodeAvailability.ACTIVE,
      defaultAddressPools: [],
      subnetSize: 0,
      dataPathPort: 0,
    }
    world.head.identity = await createCluster(initial, world.#managerPorts())
    await world.startManager()
    await world.head.start()
    for (let i = 0; i < count; i++) {
      const node = new WorldNode(world, `n${i + 1}`, `192.0.2.${11 + i}`)
      world.nodes.push(node)
      await (await node.join()).start()
    }
    return world
  }

  async startManager(): Promise<void> {
    this.manager = await this.settled(
      openManager({ identity: this.head.member, address: MANAGER }, this.#managerPorts()),
    )
    this.web.services.set(MANAGER, this.manager.services)
  }

  async stopManager(): Promise<void> {
    this.web.services.delete(MANAGER)
    await this.settled(this.manager.close())
    this.store = this.store.reopen()
  }

  token(): string {
    return this.manager.control.cluster().rootCa?.joinTokens?.worker ?? ''
  }

  createNetwork(name: string): Promise<Network> {
    const annotations = create(AnnotationsSchema, { name })
    const spec = create(NetworkSpecSchema, {
      annotations,
      attachable: true,
      driverConfig: { name: 'overlay' },
    })
    return this.settled(this.manager.control.createNetwork(spec))
  }

  /** What a promise comes to while virtual time goes by; at most a minute. */
  async settled<Result>(work: Promise<Result>): Promise<Result> {
    let isOver = false
    const over = (): void => void (isOver = true)
    void work.then(over, over)
    await this.sim.clock.advanceUntil(() => isOver, 60_000)
    if (!isOver) throw new Error('it took more than a minute of virtual time')
    return await work
  }

  /** Let time go by until something holds. */
  async until(holds: () => boolean, msMax = 60_000): Promise<void> {
    if (!(await this.sim.clock.advanceUntil(holds, msMax))) throw new Error('it did not come to hold')
  }

  run(ms: number): Promise<void> {
    return this.sim.clock.advance(ms)
  }

  #managerPorts(): Parameters<typeof openManager>[1] {
    const { store, certificates } = this
    return { ...this.head.host, store, certificates }
  }
}
