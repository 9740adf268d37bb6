/** Raw frames of a namespace, in and out: what a program on an AF_PACKET socket sees. */
import { openCapture, type Capture, type CaptureCounters, type CapturedFrame } from '@weft/linux'

/** No frame is longer than this, segmentation offload included. */
export const FRAME_SNAP_BYTES = 65_550

/** What to listen to. */
export interface TapOptions {
  /** A path or descriptor. */
  readonly namespace: string | number
  /** All links when 0 or left out, also those that come later. */
  readonly linkIndex?: number
  /** Leave out what the namespace itself sends. */
  readonly incomingOnly?: boolean
  /** Frames are cut to this many bytes; FRAME_SNAP_BYTES, which cuts none, when left out. */
  readonly snapBytes?: number
  /** Only frames for which this holds are kept; it must not throw. */
  readonly keep?: (frame: CapturedFrame) => boolean
}

/** Frames kept in memory from `openTap` on. Invariant: none is handed out twice. */
export class FrameTap {
  readonly #capture: Capture
  #frames: CapturedFrame[] = []

  private constructor(options: TapOptions) {
    const { keep = () => true, linkIndex = 0, incomingOnly = false, namespace } = options
    const { snapBytes = FRAME_SNAP_BYTES } = options
    const request = { namespace, linkIndex, incomingOnly, snapBytes }
    this.#capture = openCapture(request, (frames) => {
      for (const frame of frames) if (keep(frame)) this.#frames.push(frame)
    })
  }

  /** Listen from now on. Throws ERR_KERNEL. */
  static open(options: TapOptions): FrameTap {
    return new FrameTap(options)
  }

  /** Frames since the last call, in the order the kernel saw them: all that arrived before it. */
  async take(): Promise<CapturedFrame[]> {
    await this.#capture.flush()
    return this.#frames.splice(0)
  }

  /** Send a frame out of a link. Returns the kernel's refusal, or null. */
  send(frame: Uint8Array, linkIndex: number): ReturnType<Capture['send']> {
    return this.#capture.send(frame, linkIndex)
  }

  /** How many frames were seen and how many were lost for want of room. */
  counters(): CaptureCounters {
    return this.#capture.counters()
  }

  /** Stop listening; what was not taken is thrown away. */
  close(): Promise<void> {
    return this.#capture.close()
  }
}
