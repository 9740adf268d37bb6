/** Questions and orders to a whole simulated machine, made of what it offers. */
import type { FramePort } from '@weft/dataplane'
import type { SimMachine } from './sim-machine.ts'

/** MTU of the interface that a card is, in bytes; null while no cable of ours is in it. */
export function mtuAt(machine: SimMachine, port: FramePort): number | null {
  for (const { mtu, local } of machine.read().networks.values()) {
    for (const { attachment } of local.values()) {
      if (attachment?.kind === 'port' && attachment.port === port) return mtu
    }
  }
  return null
}

/** Forget everything programmed, as a reboot would. Foreign objects stay. */
export async function wipe(machine: SimMachine): Promise<void> {
  for (const id of machine.read().networks.keys()) await machine.removeNetwork(id)
}
