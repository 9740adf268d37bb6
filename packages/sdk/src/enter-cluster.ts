/** How a node becomes a member: a cluster is made, or a manager lets it in. */
import { formatSocketAddress, type Ip, type SocketAddress } from '@weft/core'
import { requestIdentity, type GrantedIdentity } from '@weft/agent'
import { createCluster } from '@weft/manager'
import {
  swarmError,
  type InitRequest,
  type JoinRequest,
  type NodeIdentity,
} from '@weft/swarm'
import {
  managerAddress,
  onlyAddress,
  readAddresses,
  type AddressRequest,
  type ChosenAddresses,
} from './address-choice.ts'
import { openMember, type Member, type Surroundings } from './member.ts'
import type { NodeRecord } from './node-record.ts'

/**
 * Make a cluster of one. Nothing is left of it when it throws, or when the signal is aborted:
 * SwarmErrors, bind errors, StoreErrors, SdkErrors.
 */
export async function initCluster(
  request: InitRequest,
  around: Surroundings,
  signal: AbortSignal,
): Promise<Member> {
  const addresses = around.options.machine.addresses()
  const chosen = chooseAddresses(request, around)
  const { listen } = chosen
  const advertise = chosen.advertise ?? { ip: onlyAddress(listen, addresses), port: listen.port }
  await begin(around)
  return finish(around, signal, async () => {
    const identity = await makeCluster(request, around, advertise)
    return {
      identity,
      listen,
      advertise,
      dataPathIp: chosen.dataPathIp ?? advertise.ip,
      request: chosen.request,
      managers: [formatSocketAddress(advertise)],
    }
  })
}

/** Be let into a cluster. Nothing is left here when it throws or the signal is aborted. */
export async function joinCluster(
  request: JoinRequest,
  around: Surroundings,
  signal: AbortSignal,
): Promise<Member> {
  const { runtime, log } = around.options
  const chosen = chooseAddresses(request, around)
  const addresses = request.remoteAddresses.map(managerAddress)
  if (addresses.length === 0) {
    const facts = { subject: 'remote address' }
    throw swarmError('ERR_INVALID_ARGUMENT', 'at least 1 RemoteAddr is required to join', facts)
  }
  await begin(around)
  return finish(around, signal, async () => {
    const { token, availability } = request
    const granted = await requestIdentity(
      { addresses, token, availability, signal },
      { ...runtime, dialer: around.dialer, certificates: around.certificates, log },
    )
    refuseManager(granted.identity)
    const advertise = chosen.advertise ?? localAddress(granted, chosen.listen)
    const managers = [granted.manager, ...addresses.filter((one) => one !== granted.manager)]
    const dataPathIp = chosen.dataPathIp ?? advertise.ip
    const { listen, request: said } = chosen
    return { identity: granted.identity, listen, advertise, dataPathIp, request: said, managers }
  })
}

function chooseAddresses(
  { listenAddress, ...given }: AddressRequest,
  { options }: Surroundings,
): ChosenAddresses & Pick<NodeRecord, 'request'> {
  const { machine, defaultAdvertiseAddress } = options
  const advertiseAddress = given.advertiseAddress ?? defaultAdvertiseAddress
  const request = { advertiseAddress, dataPathAddress: given.dataPathAddress }
  return { ...readAddresses({ listenAddress, ...request }, machine.addresses()), request }
}

/** Take back what was begun: the next start would do the same. */
export async function forgetCluster({ places, records }: Surroundings): Promise<void> {
  await records.save({ kind: 'unfinished' })
  await places.clear()
  await records.save({ kind: 'none' })
}

async function begin(around: Surroundings): Promise<void> {
  await around.records.save({ kind: 'unfinished' })
  await around.places.clear()
}

async function finish(
  around: Surroundings,
  signal: AbortSignal,
  makeRecord: () => Promise<NodeRecord>,
): Promise<Member> {
  try {
    const record = await makeRecord()
    signal.throwIfAborted()
    const member = await openMember(record, around, 'teardown')
    try {
      await around.records.save({ kind: 'member', record })
      signal.throwIfAborted()
      return member
    } catch (error) {
      await member.close('teardown')
      throw error
    }
  } catch (error) {
    await forgetCluster(around)
    throw error
  }
}

async function makeCluster(
  request: InitRequest,
  { options, places, certificates }: Surroundings,
  advertise: SocketAddress,
): Promise<NodeIdentity> {
  const { availability, defaultAddressPools, subnetSize, dataPathPort } = request
  const address = formatSocketAddress(advertise)
  await using store = await places.openCluster()
  return await createCluster(
    { address, availability, defaultAddressPools, subnetSize, dataPathPort },
    { ...options.runtime, store, certificates },
  )
}

function localAddress({ localIp }: GrantedIdentity, listen: SocketAddress): SocketAddress {
  return { ip: localIp as Ip, port: listen.port }
}

/** Managers of Docker's kind share a log that this one does not have. */
function refuseManager({ role, nodeId }: NodeIdentity): void {
  if (role === 'worker') return
  const text =
    'this node can join as a worker only: a cluster of Weft has one manager, and Weft cannot be ' +
    'one of a Docker swarm; use the worker token'
  throw swarmError('ERR_UNIMPLEMENTED', text, { subject: nodeId })
}
