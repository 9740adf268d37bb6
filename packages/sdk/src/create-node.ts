/** Opens a node: takes up its state, and what it was part of, where it was left. */
import { hasCode } from '@weft/core'
import { nodeCertificates, grpcDialer } from '@weft/swarm-grpc'
import { CloseList } from './close-list.ts'
import { clusterNodeOf } from './cluster-node.ts'
import { forgetCluster } from './enter-cluster.ts'
import { withPresentAddresses } from './follow-addresses.ts'
import { Lifecycle } from './lifecycle.ts'
import { openDataplane, openMember, type Surroundings } from './member.ts'
import { completeOptions, type CompleteOptions, type NodeOptions } from './node-options.ts'
import { corrupt, RecordStore, type NodeRecord } from './node-record.ts'
import { memoryPlaces, openDirectory, type StatePlaces } from './state-places.ts'
import { weftNodeOf, type WeftNode } from './weft-node.ts'

/**
 * Open a node. Was it part of a cluster, then it is again, and what it forwarded is in force before
 * any manager was asked. Throws ERR_STATE_CORRUPT, ERR_DATAPLANE_UNUSABLE, StoreErrors and
 * FilesErrors of the state directory (ERR_STORE_LOCKED: another process has it), bind errors. State
 * and forwarding of before are left as they were then.
 */
export async function createNode<DataplaneOptions>(
  given: NodeOptions<DataplaneOptions>,
): Promise<WeftNode> {
  try {
    return await openNode(completeOptions(given))
  } catch (error) {
    throw withRemedy(error)
  }
}

async function openNode(options: CompleteOptions): Promise<WeftNode> {
  const { runtime, log } = options
  const { clock } = runtime
  const places = await openPlaces(options)
  const around: Surroundings = {
    options,
    places,
    records: new RecordStore(places.node, places.location),
    dialer: grpcDialer({ log: log.child({ part: 'grpc' }), clock }),
    certificates: nodeCertificates,
  }
  try {
    const lifecycle = new Lifecycle(around)
    await takeUp(lifecycle, around)
    return weftNodeOf(clusterNodeOf(lifecycle), runtime, (mode) => lifecycle.close(mode))
  } catch (error) {
    await places.close()
    throw error
  }
}

/**
 * Remove what a node that has ended left in its dataplane. Its state stays, and with it what the
 * next start programs again. Throws as `createNode`.
 */
export async function removeForwarding<DataplaneOptions>(
  given: NodeOptions<DataplaneOptions>,
): Promise<void> {
  const options = completeOptions(given)
  // Holds the lock on the state: a node at work must not lose what it programmed.
  const places = await openPlaces(options)
  const opened = new CloseList()
  opened.add(() => places.close())
  try {
    await openDataplane(options, opened)
  } finally {
    await opened.close('teardown')
  }
}

/** Addresses may have changed while nobody looked. */
async function upToDate(record: NodeRecord, around: Surroundings): Promise<NodeRecord> {
  const { records, options } = around
  const present = withPresentAddresses(record, options.machine.addresses())
  if (present !== record) await records.save({ kind: 'member', record: present })
  return present
}

/** A store says only what is wrong with it; what it means here is known here. */
function withRemedy(error: unknown): unknown {
  if (!hasCode(error, 'ERR_STORE_CORRUPT')) return error
  const { location, problem } = error.details
  return corrupt(String(location), String(problem), error)
}

function openPlaces({ stateDirectory }: CompleteOptions): Promise<StatePlaces> | StatePlaces {
  return stateDirectory === null ? memoryPlaces() : openDirectory(stateDirectory)
}

async function takeUp(lifecycle: Lifecycle, around: Surroundings): Promise<void> {
  const standing = await around.records.load()
  switch (standing.kind) {
    case 'none':
      return
    case 'member':
      lifecycle.resume(await openMember(await upToDate(standing.record, around), around, 'detach'))
      return
    case 'unfinished': {
      around.options.log.info('what was begun before is taken back')
      const opened = new CloseList()
      await openDataplane(around.options, opened)
      await opened.close('teardown')
      await forgetCluster(around)
    }
  }
}
