/** Whether the address of a packet lies in a prefix, by its bytes. */
import {
  addressOf,
  ipBytes,
  ipFamily,
  prefixLength,
  u8,
  type Cidr,
  type IpFamily,
} from '@weft/core'

/** A prefix, ready to be compared with. */
export class PrefixMatch {
  readonly family: IpFamily
  readonly #bytes: Uint8Array
  readonly #bits: number

  constructor(cidr: Cidr) {
    this.family = ipFamily(addressOf(cidr))
    this.#bytes = ipBytes(addressOf(cidr))
    this.#bits = prefixLength(cidr)
  }

  /** Whether the address at `at`, which is of the family, lies in the prefix. */
  holds(bytes: Uint8Array, at: number): boolean {
    const whole = this.#bits >>> 3
    for (let i = 0; i < whole; i++) if (bytes[at + i] !== this.#bytes[i]) return false
    const rest = this.#bits & 7
    if (rest === 0) return true
    return (u8(bytes, at + whole) ^ u8(this.#bytes, whole)) >>> (8 - rest) === 0
  }
}
