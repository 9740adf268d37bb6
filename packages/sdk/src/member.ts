/** A node that is part of a cluster: its agent on a dataplane, and on a manager what it serves. */
import { formatSocketAddress, type Store } from '@weft/core'
import { openAgent, type Agent, type NodeFacts } from '@weft/agent'
import type { Dataplane } from '@weft/dataplane'
import { openManager, type Manager } from '@weft/manager'
import type { Certificates, ManagerDialer } from '@weft/swarm'
import { serveManager, type ManagerServer } from '@weft/swarm-grpc'
import { CloseList, type CloseMode } from './close-list.ts'
import { followAddresses } from './follow-addresses.ts'
import type { CompleteOptions } from './node-options.ts'
import type { NodeRecord, RecordStore } from './node-record.ts'
import { RecordKeeper } from './record-keeper.ts'
import { sdkError } from './sdk-errors.ts'
import type { StatePlaces } from './state-places.ts'

/** Where gossip is: among engines it cannot be elsewhere (docker-wire §1.2). */
const GOSSIP_PORT = 7946

/** Everything around a member. */
export interface Surroundings {
  readonly options: CompleteOptions
  readonly places: StatePlaces
  readonly records: RecordStore
  readonly dialer: ManagerDialer
  readonly certificates: Certificates
}

/** A member at work. */
export interface Member {
  readonly record: NodeRecord
  readonly agent: Agent
  readonly manager: Manager | null
  /** From here on nothing of it is written down. */
  forget(): void
  /** The agent first, so that it can still speak to a manager of its own. */
  close(mode: CloseMode): Promise<void>
}

/** Open everything; what was opened is closed in `failureMode` when something cannot be. */
export async function openMember(
  record: NodeRecord,
  around: Surroundings,
  failureMode: CloseMode,
): Promise<Member> {
  const opened = new CloseList()
  try {
    const isManager = record.identity.role === 'manager'
    const served = isManager ? openServed(record, around, opened) : Promise.resolve(null)
    const [dataplane, control] = await bothSettled(openDataplane(around.options, opened), served)
    const keeper = new RecordKeeper(around.records, record)
    const agent = await openMemberAgent(keeper, around, dataplane)
    opened.add((mode) => agent.close(mode))
    const following = followAddresses(keeper, agent, around.options)
    const forget = (): void => {
      following[Symbol.dispose]()
      keeper.close()
    }
    opened.add(async () => forget())
    agent.events.on('identity', ({ identity }) => control?.server.replaceIdentity(identity))
    const manager = control?.manager ?? null
    return { record, agent, manager, forget, close: (mode) => opened.close(mode) }
  } catch (error) {
    // Why it could not be opened says more than why it could not be closed after that.
    await opened.close(failureMode).catch(() => undefined)
    throw error
  }
}

/** Probe and open the dataplane. Throws ERR_DATAPLANE_UNUSABLE, and what the backend throws. */
export async function openDataplane(
  { dataplane: { backend, options }, runtime }: CompleteOptions,
  opened: CloseList,
): Promise<Dataplane> {
  const probed = await backend.probe(options)
  if (!probed.usable) {
    const facts = { backend: backend.name, reason: probed.reason }
    throw sdkError('ERR_DATAPLANE_UNUSABLE', 'the dataplane cannot work here', facts)
  }
  const dataplane = await backend.open(runtime, options, probed)
  opened.add((mode) => dataplane.close(mode))
  return dataplane
}

/** What a manager is made of. */
interface Served {
  readonly manager: Manager
  readonly server: ManagerServer
}

async function openServed(
  record: NodeRecord,
  { options, places, certificates }: Surroundings,
  opened: CloseList,
): Promise<Served> {
  const { identity, listen } = record
  const { runtime, log, tunables } = options
  const store: Store = await places.openCluster()
  opened.add(() => store.close())
  const address = formatSocketAddress(record.advertise)
  const manager = await openManager(
    { identity, address, tunables },
    { ...runtime, log: log.child({ part: 'manager' }), store, certificates },
  )
  opened.add(() => manager.close())
  const { clock } = runtime
  const serving = { listen, identity, clock, log: log.child({ part: 'grpc' }) }
  const server = await serveManager(manager.services, serving)
  opened.add(() => server.close())
  return { manager, server }
}

function openMemberAgent(
  keeper: RecordKeeper,
  { options, places, dialer, certificates }: Surroundings,
  dataplane: Dataplane,
): Promise<Agent> {
  const { runtime, log, gossip, tunables } = options
  const record = keeper.current
  return openAgent(
    {
      identity: record.identity,
      managers: record.managers,
      facts: factsOf(options),
      bindIp: record.listen.ip,
      advertiseIp: record.advertise.ip,
      dataPathIp: record.dataPathIp,
      gossipPort: GOSSIP_PORT,
      profile: gossip,
      tunables,
    },
    {
      ...runtime,
      log: log.child({ part: 'agent' }),
      files: places.agent,
      dialer,
      certificates,
      dataplane,
      holderOf: (path) => options.machine.holderOf(path),
      saveIdentity: (identity) => keeper.change({ identity }),
    },
  )
}

function factsOf({ machine, version, labels }: CompleteOptions): NodeFacts {
  const { hostname, architecture, os, cores, memoryBytes } = machine
  const nanoCpus = cores * 1_000_000_000
  return { hostname, architecture, os, nanoCpus, memoryBytes, engineVersion: version, labels }
}

/** Both, or the error of the first that failed, but not before the other has ended too. */
async function bothSettled<A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([a, b])
  return [await a, await b]
}
