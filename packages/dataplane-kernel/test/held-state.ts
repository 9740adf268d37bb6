/** A state of IPsec as a kernel would tell of it that has just been given it. */
import type { XfrmState, XfrmStateSpec } from '@weft/linux'

/** What is told of a state that was asked for like this: no packet has come yet, the key stays. */
export function heldState(spec: XfrmStateSpec): XfrmState {
  const { aead, ...rest } = spec
  const { name, icvBits } = aead
  return {
    extendedSequence: false,
    udpEncapsulation: null,
    ...rest,
    protocol: 50,
    mode: 'transport',
    aead: { name, icvBits, keyBits: 8 * aead.key.length },
    packets: 0,
    bytes: 0,
    tooOld: 0,
    replayed: 0,
    forged: 0,
  }
}
