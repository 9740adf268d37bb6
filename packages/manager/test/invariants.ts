/** What holds of a cluster at every moment, whatever happened to it. */
import { addressOf, cidrsOverlap, parseCidr, parseInterfaceAddress } from '@weft/core'
import type { Control, Task } from '@weft/swarm'
import { vnisOf } from '../src/network-object.ts'

/** What is wrong, in words; empty when nothing is. */
export function offences(control: Control): string[] {
  return [...aboutNetworks(control), ...aboutTasks(control), ...aboutUsage(control)]
}

function aboutNetworks(control: Control): string[] {
  const networks = control.networks()
  const found: string[] = []
  const vnis = networks.flatMap(vnisOf)
  if (new Set(vnis).size !== vnis.length) found.push('one VNI in two networks')
  const names = networks.map(({ spec }) => spec?.annotations?.name)
  if (new Set(names).size !== names.length) found.push('one name for two networks')
  const subnets = networks.flatMap(({ ipam }) => (ipam?.configs ?? []).map((one) => one.subnet))
  const cidrs = subnets.map(parseCidr)
  for (const [i, cidr] of cidrs.entries()) {
    if (cidrs.slice(0, i).some((other) => cidrsOverlap(cidr, other))) found.push(`${cidr} twice`)
  }
  for (const { id, ipam } of networks) {
    const ipv4 = (ipam?.configs ?? []).filter(({ family }) => family === 4).length
    const own = networks.filter((network) => network.id === id).flatMap(vnisOf)
    if (own.length !== ipv4) found.push(`${id}: ${own.length} VNIs for ${ipv4} subnets`)
  }
  return found
}

function aboutTasks(control: Control): string[] {
  const found: string[] = []
  const nodes = new Set(control.nodes().map(({ id }) => id))
  const networks = new Map(control.networks().map((network) => [network.id, network]))
  const holders = new Map<string, string>()
  for (const task of control.tasks()) {
    if (!nodes.has(task.nodeId)) found.push(`task ${task.id} of no node`)
    for (const { key, networkId, gateway } of heldBy(task)) {
      if (!networks.has(networkId)) found.push(`task ${task.id} on no network`)
      if (gateway) found.push(`task ${task.id} has a gateway`)
      const other = holders.get(key)
      if (other !== undefined) found.push(`${key} is of ${other} and ${task.id}`)
      holders.set(key, task.id)
    }
  }
  return found
}

/** What is allocated is what tasks hold: nothing leaks. */
function aboutUsage(control: Control): string[] {
  return control.networks().flatMap(({ id }) => {
    const held = control.tasks().filter((task) => heldBy(task).some((one) => one.networkId === id))
    const { allocated } = control.usage(id)
    return allocated === held.length ? [] : [`${id}: ${allocated} allocated, ${held.length} held`]
  })
}

function heldBy(task: Task): { key: string; networkId: string; gateway: boolean }[] {
  return task.networks.flatMap(({ network, addresses }) =>
    addresses.map((text) => {
      const address = addressOf(parseInterfaceAddress(text))
      const networkId = network?.id ?? ''
      const gateway = network?.ipam?.configs.some((config) => config.gateway === address) ?? false
      return { key: `${networkId} ${address}`, networkId, gateway }
    }),
  )
}
