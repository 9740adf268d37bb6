/** An in-process network card: Ethernet frames in and out by function call. */

/** What a program holds so that it is itself on a network. */
export interface FramePort {
  /**
   * False once the card is gone for good, as when its program ended: then an endpoint cannot be
   * attached to it (ERR_ATTACHMENT_MISSING), and one that is attached is cleaned up.
   */
  readonly present: boolean
  /**
   * The dataplane delivers a frame to the endpoint. `frame` is the receiver's to keep. Must not
   * throw and must not call `transmit` from inside; answer in a later turn.
   */
  deliver(frame: Uint8Array): void
  /**
   * The dataplane lends its side of the cable when the endpoint is attached, and takes it back
   * (null) when it is detached. `transmit` copies the frame; without a cable frames are lost.
   */
  connect(transmit: ((frame: Uint8Array) => void) | null): void
}
