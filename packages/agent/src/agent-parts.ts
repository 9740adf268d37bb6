/** The parts of an agent, told of each other: what one says is another one's input. */
import { ipFamily, type Emitter } from '@weft/core'
import { TaskState, type NodeIdentity } from '@weft/swarm'
import type { AgentOptions, AgentPorts, NodeAddresses, NodeFacts } from './agent-options.ts'
import type { AgentEvents } from './agent.ts'
import { Attacher } from './attachments/attacher.ts'
import { AttachmentBook } from './attachments/attachment-book.ts'
import { EndpointHealth } from './attachments/endpoint-health.ts'
import { Releases } from './attachments/releases.ts'
import { TaskIntake } from './attachments/task-intake.ts'
import { DesiredComposer, type Desired } from './desired/desired-composer.ts'
import { NodeStateReader } from './desired/node-state.ts'
import { Programmer } from './desired/programmer.ts'
import { TunnelKeys } from './desired/tunnel-keys.ts'
import { hostOf } from './gossip/gossip-node.ts'
import { OwnRows } from './gossip/own-rows.ts'
import type { Publication } from './gossip/publisher.ts'
import { RemoteRows } from './gossip/remote-rows.ts'
import { Ring } from './gossip/ring.ts'
import type { SessionKey } from './gossip/session-keys.ts'
import { hearManager } from './hear-manager.ts'
import { Renewal } from './identity/renewal.ts'
import { nodeDescription } from './session/node-description.ts'
import { Sessions } from './session/sessions.ts'
import { StatusReports } from './session/status-reports.ts'
import { Keeper } from './snapshot/keeper.ts'
import type { NodeSnapshot } from './snapshot/node-snapshot.ts'
import type { PeersSnapshot } from './snapshot/peers-snapshot.ts'

/** What was written down by a life before. */
export interface Restored {
  readonly node: NodeSnapshot
  readonly peers: PeersSnapshot
}

/** What is so just now, and may be otherwise later. */
export interface AgentState {
  addresses: NodeAddresses
  facts: NodeFacts
  vxlanPort: number
  keys: readonly SessionKey[]
  /** What the dataplane was last told. */
  desired: Desired | null
  /** The node has been in its cluster, in this life or one before. */
  isMember: boolean
  /** What a manager sent and cannot be used; empty: all can. */
  problem: string
}

/** Everything that an agent is made of. */
export interface AgentParts {
  readonly state: AgentState
  readonly book: AttachmentBook
  readonly rows: RemoteRows
  readonly composer: DesiredComposer
  readonly programmer: Programmer
  readonly reports: StatusReports
  readonly releases: Releases
  readonly sessions: Sessions
  readonly renewal: Renewal
  readonly ring: Ring
  readonly keeper: Keeper
  readonly attacher: Attacher
  /** The book changed: peers hear the difference. Throws ERR_ROW_TOO_LARGE. */
  readonly publish: () => void
  /** The node's own view changed. */
  readonly onChange: () => void
}

/** Make the parts. Nothing begins yet. Throws ERR_UNTRUSTED for an identity that is none. */
export async function createParts(
  options: AgentOptions,
  ports: AgentPorts,
  { restored, events }: { readonly restored: Restored; readonly events: Emitter<AgentEvents> },
): Promise<AgentParts> {
  const { tunables, identity } = options
  const { clock, random, log } = ports
  // Parts that need each other find each other here, when they are first called.
  const parts = (): AgentParts => made
  const renewal = await Renewal.open(identity, {
    ...ports,
    tunables,
    random: random.fork('renewal'),
    sessions: () => parts().sessions,
    save: (renewed) => ports.saveIdentity(renewed),
    onIdentity: (renewed) => announceIdentity(events, renewed),
  })
  const state = firstState(options, restored.node)
  const book = new AttachmentBook()
  const rows = new RemoteRows()
  const reports = new StatusReports(clock)
  const composer = new DesiredComposer()
  const tunnelKeys = new TunnelKeys()
  const reader = createReader({ book, rows, state }, tunnelKeys)
  const ownRows = new OwnRows()
  const publish = (): void => publishBook(parts(), ownRows)
  const keeper = new Keeper({
    ...ports,
    sha256: (bytes) => ports.certificates.sha256(bytes),
    tunables,
    node: () => nodeSnapshot(parts()),
    peers: () => ({ gossip: parts().ring.snapshot(), rows: [...rows.all()] }),
  })
  const attachmentsChanged = (): void => {
    events.emit('attachmentsChanged', {})
    events.emit('networksChanged', {})
  }
  const sessions: Sessions = createSessions(options, ports, { parts, events, reports, restored })
  const releases = new Releases(restored.node.releases, {
    sessions,
    log,
    onChange: () => keeper.touch(),
  })
  const attacher: Attacher = new Attacher({
    ...{ book, sessions, reports, releases, clock, log, tunables, publish },
    entropy: ports.entropy,
    holderOf: (path) => ports.holderOf(path),
    underlay: () => ipFamily(state.addresses.dataPathIp),
    program: () => parts().programmer.changed(),
    failures: () => parts().programmer.failures,
    save: () => keeper.save(),
    onChange: attachmentsChanged,
  })
  const health = new EndpointHealth({ book, attacher, reports, log, onChange: attachmentsChanged })
  const programmer = new Programmer({
    ...ports,
    tunables,
    compose: () => (state.desired = composer.compose(reader.read())),
    onSettled: ({ keys = [] }) => tunnelKeys.settled(keys),
    onFailures: (failures) => health.judge(failures),
  })
  const ring = createRing(options, ports, { parts, events, rows, restored, state, keeper })
  const core = { state, book, rows, composer, programmer, reports, releases, sessions }
  const onChange = (): void => events.emit('changed', {})
  const made: AgentParts = { ...core, renewal, ring, keeper, attacher, publish, onChange }
  restore(made, restored)
  return made
}

function createReader(
  { book, rows, state }: Pick<AgentParts, 'book' | 'rows' | 'state'>,
  keys: TunnelKeys,
): NodeStateReader {
  return new NodeStateReader({
    book,
    rows,
    keys: () => keys.of(state.keys),
    vtep: () => state.addresses.dataPathIp,
    vxlanPort: () => state.vxlanPort,
  })
}

function firstState(options: AgentOptions, node: NodeSnapshot): AgentState {
  const { bindIp, advertiseIp, dataPathIp, facts } = options
  return {
    addresses: { bindIp, advertiseIp, dataPathIp },
    facts,
    vxlanPort: node.vxlanPort,
    keys: node.keys,
    desired: null,
    isMember: node.keys.length > 0,
    problem: '',
  }
}

function announceIdentity(events: Emitter<AgentEvents>, identity: NodeIdentity): void {
  events.emit('identity', { identity })
  events.emit('changed', {})
}

interface Needed {
  readonly parts: () => AgentParts
  readonly events: Emitter<AgentEvents>
  readonly restored: Restored
}

function createSessions(
  options: AgentOptions,
  ports: AgentPorts,
  { parts, events, reports, restored }: Needed & { readonly reports: StatusReports },
): Sessions {
  const managers = [...restored.node.managers, ...options.managers]
  let intake: TaskIntake | null = null
  const tasks = (): TaskIntake => (intake ??= createIntake(parts(), ports))
  return new Sessions(
    managers,
    {
      ...ports,
      tunables: options.tunables,
      random: ports.random.fork('sessions'),
      reports,
      identity: () => parts().renewal.identity,
      describe: async () => {
        const root = await ports.certificates.readRoot(parts().renewal.identity.rootPem)
        return nodeDescription(parts().state.facts, root)
      },
    },
    {
      message: (message) => hearManager(parts(), message, { ports, events }),
      assigned: (message) => tasks().take(message),
      assignmentsBegin: () => tasks().begin(),
      changed: () => {
        if (parts().sessions.isOpen) {
          parts().releases.retry()
          parts().renewal.check()
        }
        events.emit('changed', {})
      },
    },
  )
}

function createIntake(parts: AgentParts, { log }: AgentPorts): TaskIntake {
  const { book, attacher, reports, releases, programmer, keeper } = parts
  return new TaskIntake({
    ...{ book, attacher, reports, releases, log },
    onNetworkChange: () => {
      programmer.touch()
      keeper.touch()
    },
  })
}

function createRing(
  options: AgentOptions,
  ports: AgentPorts,
  needed: Needed & Pick<AgentParts, 'rows' | 'state' | 'keeper'>,
): Ring {
  const { parts, events, rows, restored, state, keeper } = needed
  const { node, peers } = restored
  const { gossipPort, profile, tunables } = options
  return new Ring(
    {
      ...{ ports, gossipPort, profile, tunables, rows },
      addresses: () => state.addresses,
      onRows: () => {
        parts().programmer.touch()
        keeper.touchPeers()
        events.emit('networksChanged', {})
      },
      onPeers: () => {
        keeper.touchPeers()
        events.emit('changed', {})
        events.emit('networksChanged', {})
      },
    },
    {
      name: node.ringName,
      address: node.ringAddress,
      snapshot: peers.gossip,
      keys: node.keys,
      managerHosts: [...node.managers, ...options.managers].map(hostOf),
    },
  )
}

/** Peers hear of networks and of endpoints as soon as something was granted there. */
function publishBook({ book, rows, ring, state }: AgentParts, ownRows: OwnRows): void {
  const networks = new Set<string>()
  const own: Publication['rows'][number][] = []
  for (const attachment of book.all()) {
    const { grant, isAnnounced, rowKey, request } = attachment
    if (grant === null) continue
    networks.add(grant.network.id)
    if (!isAnnounced) continue
    const { name, aliases } = request
    const { mac, addresses } = grant
    const endpoint = { networkId: grant.network.id, rowKey, name, aliases, mac, addresses }
    own.push(...ownRows.of(attachment, endpoint, state.addresses.dataPathIp))
  }
  rows.keepOnly(networks)
  ring.publish({ networks, rows: own })
}

function nodeSnapshot({ state, book, sessions, releases, ring }: AgentParts): NodeSnapshot {
  return {
    ringName: ring.identity.name,
    ringAddress: ring.identity.address,
    vxlanPort: state.vxlanPort,
    managers: sessions.remotes.list().map(({ address }) => address),
    keys: state.keys,
    attachments: book.all(),
    releases: releases.waiting,
  }
}

/** What ran before runs on, until somebody who knows better says otherwise. */
function restore(parts: AgentParts, { node, peers }: Restored): void {
  const { book, rows, reports, publish } = parts
  const networks = new Set<string>()
  for (const attachment of node.attachments) {
    const { grant } = attachment
    if (grant === null) continue
    book.add(attachment)
    networks.add(grant.network.id)
    rows.expect(grant.network.id)
    reports.report(grant.taskId, { state: TaskState.RUNNING, message: 'started', err: '' })
  }
  rows.remember(peers.rows.filter(({ networkId }) => networks.has(networkId)))
  publish()
}
