/** When the network keys are replaced: every so often, also across restarts. */
import {
  instantAfter,
  utf8Bytes,
  utf8Text,
  type Clock,
  type Entropy,
  type Logger,
} from '@weft/core'
import { clusterOf } from './cluster-facts.ts'
import type { Draft } from './draft.ts'
import { corrupt } from './object-codec.ts'
import type { Objects } from './objects.ts'
import { rotatedKeys } from './network-keys.ts'

/** Where the wall time of the last rotation is kept, in epoch ms. */
export const ROTATION_KEY = 'rotation'

/** After a rotation that could not be stored. */
const RETRY_MS = 60_000

/** Stage the note that keys were made at `wall`. */
export function recordRotation(draft: Draft, wall: number): void {
  draft.record(ROTATION_KEY, utf8Bytes(String(wall)))
}

/**
 * Rotates keys. However many rotations were missed while no manager ran, there is one when it
 * starts: nodes know one step ahead and one behind, no more (docker-wire §5.2).
 */
export class KeyRotation {
  readonly #objects: Objects
  readonly #ports: { readonly clock: Clock; readonly entropy: Entropy; readonly log: Logger }
  readonly #periodMs: number
  #timer: Disposable | null = null
  #closed = false

  constructor(
    objects: Objects,
    periodMs: number,
    ports: { readonly clock: Clock; readonly entropy: Entropy; readonly log: Logger },
  ) {
    this.#objects = objects
    this.#periodMs = periodMs
    this.#ports = ports
  }

  /** Throws ERR_STORE_CORRUPT when the time of the last rotation does not read. */
  start(): void {
    const bytes = this.#objects.record(ROTATION_KEY)
    const text = bytes === null ? '' : utf8Text(bytes, 0, bytes.length)
    if (!/^[0-9]{1,15}$/.test(text)) throw corrupt(ROTATION_KEY, 'no wall time in milliseconds')
    // A wall clock that was set back must not put the next rotation off for longer than a period.
    const elapsed = Math.max(0, this.#ports.clock.wall() - Number(text))
    this.#schedule(Math.max(0, this.#periodMs - elapsed))
  }

  close(): void {
    this.#closed = true
    this.#timer?.[Symbol.dispose]()
  }

  #schedule(ms: number): void {
    if (this.#closed) return
    const { clock } = this.#ports
    this.#timer = clock.schedule(instantAfter(clock.now(), ms), () => void this.#rotate())
  }

  async #rotate(): Promise<void> {
    const { clock, entropy, log } = this.#ports
    try {
      await this.#objects.transact((draft) => {
        const cluster = clusterOf(draft.tables)
        const { networkBootstrapKeys: keys, encryptionKeyLamportClock: lamport } = cluster
        const rotated = rotatedKeys({ keys, clock: lamport }, entropy)
        draft.put('cluster', {
          ...cluster,
          networkBootstrapKeys: [...rotated.keys],
          encryptionKeyLamportClock: rotated.clock,
        })
        recordRotation(draft, clock.wall())
      })
      log.info('network keys rotated')
      this.#schedule(this.#periodMs)
    } catch (error) {
      if (this.#closed) return
      log.error('network keys could not be rotated', { error })
      this.#schedule(Math.min(RETRY_MS, this.#periodMs))
    }
  }
}
