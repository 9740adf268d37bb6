/** Which MAC has an address, of either family. */
import { ipBytes, ipFamily, ipFromBytes, MAC_BYTES, writeMac, type Ip, type Mac } from '@weft/core'
import { ByteTable } from './byte-table.ts'

/** MACs by address. They are found as bytes, which are not the finder's to change. */
export class OwnerTable {
  readonly #four = new ByteTable(4)
  readonly #six = new ByteTable(16)
  readonly #macs: Uint8Array[] = []
  readonly #free: number[] = []

  /** The MAC of the address at `at`, or null. */
  find4(bytes: Uint8Array, at: number): Uint8Array | null {
    return this.#macs[this.#four.find(bytes, at)] ?? null
  }

  /** As `find4`, of an IPv6 address. */
  find6(bytes: Uint8Array, at: number): Uint8Array | null {
    return this.#macs[this.#six.find(bytes, at)] ?? null
  }

  set(ip: Ip, mac: Mac): void {
    const bytes = new Uint8Array(MAC_BYTES)
    writeMac(bytes, 0, mac)
    const key = ipBytes(ip)
    const known = this.#tableOf(ip).find(key, 0)
    const index = known >= 0 ? known : (this.#free.pop() ?? this.#macs.length)
    this.#macs[index] = bytes
    this.#tableOf(ip).set(key, index)
  }

  delete(ip: Ip): void {
    const key = ipBytes(ip)
    const index = this.#tableOf(ip).find(key, 0)
    if (index >= 0) this.#free.push(index)
    this.#tableOf(ip).delete(key)
  }

  /** Every address with its MAC, as bytes. */
  *entries(): IterableIterator<readonly [ip: Ip, mac: Uint8Array]> {
    for (const family of [4, 6] as const) {
      for (const [key, index] of (family === 4 ? this.#four : this.#six).entries()) {
        const mac = this.#macs[index]
        if (mac !== undefined) yield [ipFromBytes(key, 0, family), mac]
      }
    }
  }

  #tableOf(ip: Ip): ByteTable {
    return ipFamily(ip) === 4 ? this.#four : this.#six
  }
}
