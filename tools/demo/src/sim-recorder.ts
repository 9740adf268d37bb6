/** Records what simulated hosts put on the underlay, as the frames it would be in. */
import type { Crossing } from '@weft/core/testing'
import { underlayFrame, type SimLab } from '@weft/dataplane-sim/lab'
import type { UnderlayFrame, WorldCapture } from './world.ts'

/** Frames kept of what goes by outside of windows. */
const BULK_FRAMES_MAX = 500_000
/** And of each: the headers, inner ones included, and some payload. */
const HEADERS_BYTES = 192
const NANOSECONDS_PER_MS = 1_000_000

/** All the time when asked to record, else only while a window is open. */
export class SimRecorder implements WorldCapture {
  readonly #lab: SimLab
  readonly #record: boolean
  readonly #frames: UnderlayFrame[] = []
  #bulk = 0
  #omitted = 0
  #windowOpen = false

  constructor(lab: SimLab, record: boolean) {
    this.#lab = lab
    this.#record = record
    lab.network.capture((crossing) => this.#see(crossing))
  }

  async during(work: () => Promise<void>): Promise<readonly UnderlayFrame[]> {
    const from = this.#frames.length
    this.#windowOpen = true
    try {
      await work()
    } finally {
      this.#windowOpen = false
    }
    return this.#frames.slice(from)
  }

  async all(): Promise<readonly UnderlayFrame[]> {
    return this.#frames
  }

  lost(): number {
    return 0
  }

  omitted(): number {
    return this.#omitted
  }

  #see(crossing: Crossing): void {
    if (crossing.kind !== 'send' || (!this.#record && !this.#windowOpen)) return
    if (!this.#windowOpen && ++this.#bulk > BULK_FRAMES_MAX) {
      this.#omitted++
      return
    }
    const bytes = underlayFrame(crossing)
    const ns = Math.round(this.#lab.clock.wall() * NANOSECONDS_PER_MS)
    const [host = ''] = crossing.link.split('>')
    const kept = this.#windowOpen ? bytes : bytes.slice(0, HEADERS_BYTES)
    const originalLength = bytes.length
    this.#frames.push({ host, timestampNs: BigInt(ns), bytes: kept, originalLength })
  }
}
