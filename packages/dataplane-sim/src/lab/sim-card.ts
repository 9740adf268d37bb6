/** A network card in a simulated container: it keeps what it receives, or hands it to a program. */
import type { FramePort } from '@weft/dataplane'

/** A card that a dataplane can put its cable in. */
export class SimCard implements FramePort {
  /** Called for each frame in place of keeping it, when set. */
  onFrame: ((frame: Uint8Array) => void) | null = null
  #transmit: ((frame: Uint8Array) => void) | null = null
  #received: Uint8Array[] = []
  #present = true

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

  /** Put a frame on the wire; lost without a cable. */
  send(frame: Uint8Array): void {
    if (this.#present) this.#transmit?.(frame)
  }

  /** Frames kept since the last call, in order. */
  take(): readonly Uint8Array[] {
    return this.#received.splice(0)
  }

  /** Pull the card out for good. */
  pull(): void {
    this.#present = false
  }
}
