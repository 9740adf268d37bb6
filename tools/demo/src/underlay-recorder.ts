/** Records what the hosts of a lab put on the underlay. */
import type { LabHost } from '@weft/lab'
import { openCapture, type Capture, type CapturedFrame } from '@weft/linux'
import type { UnderlayFrame, WorldCapture } from './world.ts'

/** Whole packets of the underlay's MTU; the super-segments of bulk traffic are cut. */
const SNAP_BYTES = 1600
/** Between windows a capture file keeps the headers, inner ones included, and some payload. */
const HEADERS_BYTES = 192
/** Frames kept of what goes by outside of windows. */
const BULK_FRAMES_MAX = 500_000

/**
 * Captures on every host's underlay interface, outgoing only, in memory: all the time when asked
 * to record, else only while a window is open.
 */
export class UnderlayRecorder implements WorldCapture {
  readonly #hosts: readonly LabHost[]
  readonly #record: boolean
  readonly #frames: UnderlayFrame[] = []
  #captures: readonly Capture[] = []
  #windowOpen = false
  #lost = 0
  #bulk = 0
  #omitted = 0

  constructor(hosts: readonly LabHost[], { record }: { readonly record: boolean }) {
    this.#hosts = hosts
    this.#record = record
    if (record) this.#open()
  }

  /** Run `work` and hand back what was captured meanwhile, in the kernel's order. */
  async during(work: () => Promise<void>): Promise<readonly UnderlayFrame[]> {
    if (!this.#record) this.#open()
    await this.#flush()
    const from = this.#frames.length
    const before = this.#dropped()
    this.#windowOpen = true
    try {
      await work()
      await this.#flush()
      this.#lost += this.#dropped() - before
      return this.#frames.slice(from).sort(earlier)
    } finally {
      this.#windowOpen = false
      if (!this.#record) await this.close()
    }
  }

  /** All that was captured. */
  async all(): Promise<readonly UnderlayFrame[]> {
    await this.#flush()
    return [...this.#frames].sort(earlier)
  }

  /** Frames that the kernel had no room for while a window was open. */
  lost(): number {
    return this.#lost
  }

  /** Frames outside of windows that were not kept. */
  omitted(): number {
    return this.#omitted
  }

  /** Stop capturing. */
  async close(): Promise<void> {
    await Promise.all(this.#captures.map((capture) => capture.close()))
    this.#captures = []
  }

  #dropped(): number {
    return this.#captures.reduce((sum, capture) => sum + capture.counters().dropped, 0)
  }

  #open(): void {
    this.#captures = this.#hosts.map(({ ifname, name, netns }) => {
      const linkIndex = netns.kernel.links.require(ifname).index
      const namespace = netns.kernel.namespace.fd
      return openCapture({ namespace, linkIndex, snapBytes: SNAP_BYTES }, (frames) => {
        for (const frame of frames) if (frame.outgoing) this.#keep(name, frame)
      })
    })
  }

  #keep(host: string, { bytes, nanoseconds, originalLength, seconds }: CapturedFrame): void {
    if (!this.#windowOpen && ++this.#bulk > BULK_FRAMES_MAX) {
      this.#omitted++
      return
    }
    const timestampNs = BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds)
    const kept = this.#windowOpen ? bytes : bytes.slice(0, HEADERS_BYTES)
    this.#frames.push({ host, timestampNs, bytes: kept, originalLength })
  }

  async #flush(): Promise<void> {
    await Promise.all(this.#captures.map((capture) => capture.flush()))
  }
}

function earlier(a: UnderlayFrame, b: UnderlayFrame): number {
  return a.timestampNs < b.timestampNs ? -1 : a.timestampNs > b.timestampNs ? 1 : 0
}
