/** A whole cluster on virtual time: a real manager, real gossip, dataplanes of tests. */
import { create, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf'
import { filesError, parseIp, type Cancellable } from '@weft/core'
import type { Dataplane, DesiredState } from '@weft/dataplane'
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
import {
  defaultTunables,
  openAgent,
  requestIdentity,
  type Agent,
  type AgentTunables,
} from '../src/index.ts'
import { MortalClock, mortalFiles } from './mortal-clock.ts'
import { VirtualMachine, VirtualPlace } from './virtual-place.ts'

/** Address of the manager. */
export const MANAGER = '192.0.2.1:2377'

/** A machine that may run an agent. */
export class WorldNode extends VirtualMachine {
  readonly world: ClusterWorld
  identity: NodeIdentity | null = null
  isIdentityFileFull = false
  dataplane!: Dataplane
  agent!: Agent
  #clock!: MortalClock

  constructor(world: ClusterWorld, name: string, ip: string) {
    super(world, name, ip)
    this.world = world
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
    const clock = new MortalClock(this.host.clock)
    this.#clock = clock
    this.dataplane = await this.openDataplane(clock)
    const ip = parseIp(this.ip)
    const opening = openAgent(
      {
        identity: identityOf(this),
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
        ...this.host,
        ...this.sockets(),
        clock,
        log: this.logger(),
        random: this.host.random.fork(`life ${sim.clock.now()}`),
        dialer: web.dialer(this.ip),
        certificates,
        dataplane: this.dataplane,
        files: mortalFiles(this.files, clock),
        aead: nodeAead,
        holderOf: async (path) => this.noted.holders.get(path) ?? null,
        saveIdentity: (identity) => this.#saveIdentity(identity),
      },
    )
    this.agent = await this.world.settled(opening)
    return this
  }

  async #saveIdentity(identity: NodeIdentity): Promise<void> {
    if (this.isIdentityFileFull) {
      throw filesError('ERR_FILES_FULL', 'no room is left', { path: 'identity' })
    }
    this.identity = identity
  }

  /** The process is killed: nothing of it happens any more; what it programmed stays. */
  kill(): void {
    this.#clock.kill()
    this.dropSockets()
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

/** What a message is made from, but no message. */
type PlainInit<Schema extends DescMessage> = Exclude<
  MessageInitShape<Schema>,
  { $typeName: string }
>

function identityOf({ identity }: WorldNode): NodeIdentity {
  if (identity === null) throw new Error('join first')
  return identity
}

/** The cluster and its machines. */
export class ClusterWorld extends VirtualPlace {
  readonly nodes: WorldNode[] = []
  manager!: Manager
  readonly #tunables: Partial<ManagerTunables>
  #store = new MemoryStore()
  /** The manager's machine: it runs an agent too, with which the ring begins. */
  head!: WorldNode

  private constructor(seed: number, tunables: Partial<ManagerTunables>) {
    super(seed)
    this.#tunables = tunables
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
        { identity: identityOf(this.head), address: MANAGER, tunables: this.#tunables },
        this.#managerPorts(),
      ),
    )
    this.web.services.set(MANAGER, this.manager.services)
  }

  async stopManager(): Promise<void> {
    this.web.services.delete(MANAGER)
    await this.settled(this.manager.close())
    this.#store = this.#store.reopen()
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

  createNetwork(name: string, more: PlainInit<typeof NetworkSpecSchema> = {}): Promise<Network> {
    const spec = create(NetworkSpecSchema, {
      annotations: { name },
      attachable: true,
      driverConfig: { name: 'overlay' },
      ...more,
    })
    return this.settled(this.manager.control.createNetwork(spec))
  }

  #managerPorts(): Parameters<typeof openManager>[1] {
    return { ...this.head.host, store: this.#store, certificates: this.certificates }
  }
}
