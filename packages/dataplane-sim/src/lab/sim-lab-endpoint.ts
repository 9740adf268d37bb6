/** The inside of a simulated container. */
import type { Ip, Mac } from '@weft/core'
import type { Attachment } from '@weft/dataplane'
import type { LabEndpoint, LabInterface } from '@weft/dataplane/compliance'
import { mtuAt } from '../machine-wide.ts'
import type { SimMachine } from '../sim-machine.ts'
import { SimCard } from './sim-card.ts'

/** A card with the interface that it is meant to have. */
export class SimLabEndpoint implements LabEndpoint {
  readonly name: string
  readonly mac: Mac
  readonly addresses: readonly Ip[]
  readonly card = new SimCard()
  readonly #machine: SimMachine

  constructor(name: string, face: LabInterface, machine: SimMachine) {
    this.name = name
    this.mac = face.mac
    this.addresses = face.addresses
    this.#machine = machine
  }

  get attachment(): Attachment {
    return { kind: 'port', port: this.card }
  }

  async transmit(frame: Uint8Array): Promise<void> {
    this.card.send(frame)
  }

  async received(): Promise<readonly Uint8Array[]> {
    return this.card.take()
  }

  async mtuBytes(): Promise<number | null> {
    return mtuAt(this.#machine, this.card)
  }

  async vanish(): Promise<void> {
    this.card.pull()
  }
}
