/** A whole cluster on virtual time: a real manager, real gossip, simulated dataplanes. */
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import {
  createLogger,
  parseIp,
  type Cancellable,
  type Logger,
  type Streams,
  type Underlay,
} from '@weft/core'
import { createSimWorld, type SimRuntime, type SimWorld } from '@weft/core/testing'
import type { Dataplane, DesiredState } from '@weft/dataplane'
import { simBackend, SimMachine, simOptions } from '@weft/dataplane-sim'
import { SimCard } from '@weft/dataplane-sim/lab'
import { lanProfile } from '@weft/gossip'
import {
  createCluster,
  MemoryStore,
  openManager,
  type Manager,
  type ManagerTunables,
} from '@weft/manager'
import { nodeAead } from '@weft/runtime-node'
import {
  NetworkSpecSchema,
  NodeAvailability,
  type AttachmentRequest,
  type AttachmentView,
  type Network,
  type NodeIdentity,
} from '@weft/swarm'
import { defaultTunables, openAgent, requestIdentity, type Agent } from '../src/index.ts'
import type { AgentTunables } from '../src/index.ts'
import { ManagerWeb } from './direct-dialer.ts'
import { MemoryFiles } from './memory-files.ts'
import { MortalClock } from './mortal-clock.ts'
import { NotedDataplane, NotedMachine } from './noted-dataplane.ts'
import { PaperCertificates } from './paper-certificates.ts'
import { StreamWeb } from './sim-streams.ts'

/** The underlay of a machine whose address may change. */
class MovableUnderlay implements Underlay {
  host: Underlay

  constructor(host: Underlay) {
    this.host = host
  }

  bind(...parameters: Parameters<Underlay['bind']>): ReturnType<Underlay['bind']> {
    return this.host.bind(...parameters)
  }
}

/** Its streams. */
class MovableStreams implements Streams {
  host: Streams

  constructor(host: Streams) {
    this.host = host
  }

  listen(...parameters: Parameters<Streams['listen']>): ReturnType<Streams['listen']> {
    return this.host.listen(...parameters)
  }

  connect(...parameters: Parameters<Streams['connect']>): ReturnType<Streams['connect']> {
    return this.host.connect(...parameters)
  }
}

/** Address of the manager. */
export const MANAGER = '192.0.2.1:2377'

/** A machine that may run an agent. */
export class WorldNode {
  readonly name: string
  ip: string
  readonly world: ClusterWorld
  readonly files = new MemoryFiles()
  /** What its dataplane programs: noted, unless `isSimulated`. */
  readonly noted = new NotedMachine()
  readonly machine: SimMachine
  isSimulated = false
  readonly host: SimRuntime
  readonly logs: string[] = []
  identity: NodeIdentity | null = null
  dataplane!: Dataplane
  agent!: Agent
  #clock!: MortalClock
  readonly #underlay: MovableUnderlay
  readonly #streams: MovableStreams

  constructor(world: ClusterWorld, name: string, ip: string) {
    this.world = world
    this.name = name
    this.ip = ip
    this.host = world.sim.node(name, [ip])
    this.#underlay = new MovableUnderlay(this.host.underlay)
    this.#streams = new MovableStreams(world.streams.host(parseIp(ip)))
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
    const { certificates, web, sim } = this.world
    this.#clock = new MortalClock(this.host.clock)
    const runtime = { ...this.host, clock: this.#clock }
    const random = runtime.random.fork(`life ${sim.clock.now()}`)
    this.dataplane = this.isSimulated
      ? await simBackend.open(runtime, simOptions(this.machine))
      : new NotedDataplane(this.noted)
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
        underlay: this.#underlay,
        streams: this.#streams,
        aead: nodeAead,
        saveIdentity: async (identity) => void (this.identity = identity),
      },
    )
    this.agent = await this.world.settled(opening)
    return this
  }

  /** The machine gets another address; what was bound to the old one hears nothing more. */
  moveTo(host: SimRuntime, ip: string): void {
    this.host.underlay.crash()
    this.world.streams.crash(parseIp(this.ip))
    this.ip = ip
    this.#underlay.host = host.underlay
    this.#streams.host = this.world.streams.host(parseIp(ip))
  }

  /** The process is killed: nothing of it happens any more; what it programmed stays. */
  kill(): void {
    this.#clock.kill()
    this.host.underlay.crash()
    this.world.streams.crash(parseIp(this.ip))
    this.world.web.crash(this.ip)
  }

  /** Begin to attach a namespace of the endpoint's name. */
  attaching(
    network: string,
    name: string,
    request: Partial<AttachmentRequest> & Cancellable = {},
  ): Promise<AttachmentView> {
    const { signal, ...given } = request
    const target = { kind: 'netns', path: `/run/netns/${name}`, ifname: null } as const
    const whole = { network, name, aliases: [], target, address: null, ...given }
    return this.agent.attach(whole, signal === undefined ? {} : { signal })
  }

  /** Attach a namespace of the endpoint's name, or a card where the dataplane is simulated. */
  attach(
    network: string,
    name: string,
    request: Partial<AttachmentRequest> = {},
  ): Promise<AttachmentView> {
    const card = { target: { kind: 'port', port: new SimCard() } } as const
    const target = this.isSimulated ? card : {}
    return this.world.settled(this.attaching(network, name, { ...target, ...request }))
  }

  /** What its dataplane is told now. */
  get desired(): DesiredState {
    if (this.noted.desired === null) throw new Error('nothing was applied')
    return this.noted.desired
  }

  /** Remote endpoints of a network as its dataplane is told of them: address → VTEP. */
  remote(networkId: string): Record<string, string> {
    const { networks, peers } = this.desired
    const remote = networks.get(networkId)?.remote ?? new Map<string, never>()
    return Object.fromEntries(
      [...remote.values()].flatMap(({ addresses, node }) =>
        addresses.map((address) => [address, peers.get(node)?.tunnel.ip ?? '']),
      ),
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
  readonly #tunables: Partial<ManagerTunables>
  /** The manager's machine: it runs an agent too, with which the ring begins. */
  head!: WorldNode

  private constructor(seed: number, tunables: Partial<ManagerTunables>) {
    this.#tunables = tunables
    this.sim = createSimWorld(seed)
    this.streams = new StreamWeb(this.sim.clock)
  }

  /** A cluster with a manager and `count` workers that have joined, all with agents. */
  static async open(
    count: number,
    options: {
      readonly seed?: number
      readonly tunables?: Partial<ManagerTunables>
      readonly isSimulated?: boolean
    } = {},
  ): Promise<ClusterWorld> {
    const { seed = 1, tunables = {}, isSimulated = false } = options
    const world = new ClusterWorld(seed, tunables)
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
    for (let i = 0; i < count; i++) await world.addNode({ isSimulated })
    return world
  }

  /** One more worker, which has joined and runs. */
  async addNode({ isSimulated = false } = {}): Promise<WorldNode> {
    const i = this.nodes.length
    const node = new WorldNode(this, `n${i + 1}`, `192.0.2.${11 + i}`)
    node.isSimulated = isSimulated
    this.nodes.push(node)
    return (await node.join()).start()
  }

  async startManager(): Promise<void> {
    this.manager = await this.settled(
      openManager(
        { identity: this.head.member, address: MANAGER, tunables: this.#tunables },
        this.#managerPorts(),
      ),
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

  /** The first two nodes. */
  get pair(): readonly [WorldNode, WorldNode] {
    const [a, b] = this.nodes
    if (a === undefined || b === undefined) throw new Error('open the world with two nodes')
    return [a, b]
  }

  createNetwork(name: string, more: MessageInitShape<typeof NetworkSpecSchema> = {}): Promise<Network> {
    const spec = create(NetworkSpecSchema, {
      annotations: { name },
      attachable: true,
      driverConfig: { name: 'overlay' },
      ...more,
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

  /** One more machine, for who moves. */
  addHost(name: string, ip: string): SimRuntime {
    return this.sim.node(name, [ip])
  }

  run(ms: number): Promise<void> {
    return this.sim.clock.advance(ms)
  }

  #managerPorts(): Parameters<typeof openManager>[1] {
    const { store, certificates } = this
    return { ...this.head.host, store, certificates }
  }
}
