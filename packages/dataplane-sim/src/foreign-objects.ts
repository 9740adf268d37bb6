/** What somebody else has on a simulated machine: it is in our way and not ours to touch. */
import type { FramePort } from '@weft/dataplane'

/** A VNI that another tunnel holds, or a card that another cable is in. */
export type ForeignObject = number | FramePort

/** Foreign objects. Nothing but a test adds any, and nothing takes one away. */
export class ForeignObjects {
  readonly #objects = new Set<ForeignObject>()

  add(object: ForeignObject): void {
    this.#objects.add(object)
  }

  has(object: ForeignObject): boolean {
    return this.#objects.has(object)
  }
}
