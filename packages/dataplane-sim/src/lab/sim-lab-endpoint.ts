/** The inside of a simulated container: a network card that keeps what it receives. */
import type { Ip, Mac } from '@weft/core'
import type { Attachment, FramePort } from '@weft/dataplane'
import type { LabEndpoint, LabInterface } from '@weft/dataplane/compliance'

/** What an endpoint asks of the machine it is on. */
export interface EndpointHost {
  mtuAt(port: FramePort): number | null
}

/** A card with its interface. Programs may listen to it instead of collecting frames. */
export class SimLabEndpoint implements LabEndpoint, FramePort {
  readonly name: string
  readonly mac: Mac
  readonly addresses: readonly Ip[]
  readonly attachment: Attachment
  /** Called for each frame in place of keeping it, when set. */
  onFrame: ((frame: Uint8Array) => void) | null = null
  readonly #host: EndpointHost
  #transmit: ((frame: Uint8Array) => void) | null = null
  #received: Uint8Array[] = []
  #present = true

  constructor(name: string, face: LabInterface, host: EndpointHost) {
    this.name = name
    this.mac = face.mac
    this.addresses = face.addresses
    this.attachment = { kind: 'port', port: this }
    this.#host = host
  }

  get present(): boolean {
    return this.#present
  }

  /** True while a dataplane has its cable in this card. */
  get connected(): boolean {
    return this.#transmit !== null
  }

  deliver(frame: Uint8Array): void {
    if (this.onFrame !== null) this.onFrame(frame)
    else this.#received.push(frame)
  }

  connect(transmit: ((frame: Uint8Array) => void) | null): void {
    this.#transmit = transmit
  }

  async transmit(frame: Uint8Array): Promise<void> {
    this.send(frame)
  }

  /** As `transmit`, at once. */
  send(frame: Uint8Array): void {
    if (this.#present) this.#transmit?.(frame)
  }

  async received(): Promise<readonly Uint8Array[]> {
    return this.#received.splice(0)
  }

  async mtuBytes(): Promise<number | null> {
    return this.#host.mtuAt(this)
  }

  async vanish(): Promise<void> {
    this.#present = false
  }
}
