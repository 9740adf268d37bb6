/** Damage to a simulated machine behind its dataplane's back. */
import type { Mac, SocketAddress } from '@weft/core'
import type { NetworkId } from '@weft/dataplane'
import type { Damage } from '@weft/dataplane/compliance'
import type { SimMachine } from '../sim-machine.ts'
import type { SimSubnet } from '../sim-subnet.ts'

/** Do it. `port` is where misdirected tunnels lead. */
export async function damageMachine(
  machine: SimMachine,
  damage: Damage,
  port: number,
): Promise<void> {
  if (!('network' in damage)) throw new Error('bug: a simulated machine encrypts nothing')
  const { network } = damage
  switch (damage.kind) {
    case 'delete-network':
      await machine.removeNetwork(network)
      return
    case 'delete-endpoint':
      machine.unplug(network, damage.endpoint)
      return
    case 'delete-neighbour':
      for (const { neighbours } of subnetsOf(machine, network)) neighbours.delete(damage.ip)
      return
    case 'delete-forwarding':
      for (const { forwarding } of subnetsOf(machine, network)) forwarding.delete(damage.mac)
      return
    case 'add-forwarding':
    case 'misdirect-forwarding':
      point(subnetsOf(machine, network), damage.mac, { ip: damage.to, port })
  }
}

function subnetsOf(machine: SimMachine, network: NetworkId): readonly SimSubnet[] {
  const subnets = machine.read().networks.get(network)?.subnets
  return [...(subnets?.keys() ?? [])].flatMap((vni) => machine.entriesOf(network, vni) ?? [])
}

/** The first subnet will do: the cases that damage have one. */
function point(subnets: readonly SimSubnet[], mac: Mac, to: SocketAddress): void {
  subnets[0]?.forwarding.set(mac, to)
}
