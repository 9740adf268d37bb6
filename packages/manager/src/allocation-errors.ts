/** What address management refuses, told as errors of the cluster in Docker's words. */
import { hasCode } from '@weft/core'
import type { IpamErrors } from '@weft/ipam'
import { swarmError } from '@weft/swarm'

type Details<Code extends keyof IpamErrors> = IpamErrors[Code]

/** How people call a network that address management knows by its ID. */
export type NameOf = (networkId: string) => string

/** Run an allocation; what it refuses is thrown as a SwarmErrors. */
export function asSwarmErrors<Result>(run: () => Result, nameOf: NameOf): Result {
  try {
    return run()
  } catch (error) {
    throw aboutRoom(error, nameOf) ?? aboutSubnets(error, nameOf) ?? aboutAddresses(error) ?? error
  }
}

function aboutRoom(error: unknown, nameOf: NameOf): Error | null {
  if (hasCode(error, 'ERR_POOL_EXHAUSTED')) {
    const { family } = error.details as Details<'ERR_POOL_EXHAUSTED'>
    const message =
      `could not find an available, non-overlapping IPv${family} address pool ` +
      'among the defaults to assign to the network'
    return swarmError('ERR_EXHAUSTED', message, { subject: `IPv${family} address pools` }, error)
  }
  if (hasCode(error, 'ERR_SUBNET_EXHAUSTED')) {
    const { network, subnets } = error.details as Details<'ERR_SUBNET_EXHAUSTED'>
    const family = subnets.some((cidr) => cidr.includes(':')) ? 6 : 4
    const text =
      `no available IPv${family} addresses on this network's address pools: ` +
      `${nameOf(network)} (${network})`
    return swarmError('ERR_EXHAUSTED', text, { subject: nameOf(network) }, error)
  }
  if (hasCode(error, 'ERR_VNI_EXHAUSTED')) {
    return swarmError('ERR_EXHAUSTED', 'no VNI is free', { subject: 'VNIs' }, error)
  }
  return null
}

function aboutSubnets(error: unknown, nameOf: NameOf): Error | null {
  if (hasCode(error, 'ERR_OVERLAP')) {
    const { subnet, other, owner } = error.details as Details<'ERR_OVERLAP'>
    const message = 'Pool overlaps with other one on this address space'
    const facts = { subject: subnet, owner: nameOf(owner) }
    const text = `${message}: network ${facts.owner} has ${other}`
    return swarmError('ERR_ALREADY_EXISTS', text, facts, error)
  }
  if (hasCode(error, 'ERR_VNI_TAKEN')) {
    const { vni, holder } = error.details as Details<'ERR_VNI_TAKEN'>
    const facts = { subject: `VNI ${vni}`, owner: nameOf(holder) }
    const text = `vxlan id ${vni} is in use by network ${facts.owner}`
    return swarmError('ERR_ALREADY_EXISTS', text, facts, error)
  }
  if (hasCode(error, 'ERR_SUBNET_UNUSABLE')) {
    const { subnet, reason } = error.details as Details<'ERR_SUBNET_UNUSABLE'>
    const text = `ipam configuration: invalid subnet ${subnet}: ${reason}`
    return swarmError('ERR_INVALID_ARGUMENT', text, { subject: subnet }, error)
  }
  return null
}

function aboutAddresses(error: unknown): Error | null {
  if (hasCode(error, 'ERR_ADDRESS_TAKEN')) {
    const { address, holder } = error.details as Details<'ERR_ADDRESS_TAKEN'>
    const facts = { subject: address, owner: `task ${holder}` }
    const text = `Address already in use: ${address} is of task ${holder}`
    return swarmError('ERR_ALREADY_EXISTS', text, facts, error)
  }
  if (hasCode(error, 'ERR_ADDRESS_RESERVED')) {
    const { address, name } = error.details as Details<'ERR_ADDRESS_RESERVED'>
    const facts = { subject: address, owner: name }
    const text = `Address already in use: ${address} is kept for ${name}`
    return swarmError('ERR_ALREADY_EXISTS', text, facts, error)
  }
  if (hasCode(error, 'ERR_ADDRESS_FOREIGN')) {
    const { address, subnets } = error.details as Details<'ERR_ADDRESS_FOREIGN'>
    const text = `no configured subnet contains IP address ${address}: ${subnets.join(', ')}`
    return swarmError('ERR_INVALID_ARGUMENT', text, { subject: address }, error)
  }
  return null
}
