/** Network identifiers: serial from 4096 as Docker counts, explicit ones anywhere. */
import { assert, vni, VNI_MAX, type Vni } from '@weft/core'
import { checkName, ipamError } from './ipam-errors.ts'
import { NumberPool, type PoolPosition } from './number-pool.ts'

/** The first VNI given out by itself: Docker's, which leaves the low ones to people. */
export const VNI_FIRST = 4096

/** Who has which VNI. One that is released comes back last, for stale frames may be under way. */
export class VniAllocator {
  readonly #first: Vni
  readonly #last: Vni
  readonly #pool: NumberPool
  readonly #holders = new Map<Vni, string>()

  /** Counts from `first` to `last`, Docker's 4096 to 2^24 - 1 when not given. */
  constructor(range: { readonly first?: number; readonly last?: number } = {}) {
    this.#first = vni(range.first ?? VNI_FIRST)
    this.#last = vni(range.last ?? VNI_MAX)
    assert(this.#first <= this.#last, 'VNIs count upwards')
    this.#pool = new NumberPool(this.#last - this.#first + 1)
  }

  get holders(): ReadonlyMap<Vni, string> {
    return this.#holders
  }

  /** Who has this VNI, or null. Throws ERR_INVALID_VALUE. */
  holderOf(id: number): string | null {
    return this.#holders.get(vni(id)) ?? null
  }

  get position(): PoolPosition {
    return this.#pool.position
  }

  resume(position: PoolPosition): void {
    this.#pool.resume(position)
  }

  /**
   * Give `holder` the next VNI, or `wanted`. A holder may have several: one for each subnet.
   * Throws ERR_VNI_EXHAUSTED, ERR_VNI_TAKEN, ERR_INVALID_VALUE.
   */
  allocate(holder: string, wanted?: number): Vni {
    checkName('holder', holder)
    const id = wanted === undefined ? this.#next() : this.#claim(vni(wanted), holder)
    this.#holders.set(id, holder)
    return id
  }

  /** Take a VNI back. Throws ERR_VNI_NOT_ALLOCATED, and ERR_VNI_TAKEN when another has it. */
  release(id: number, holder: string): void {
    const known = vni(id)
    const current = this.#holders.get(known)
    if (current === undefined) {
      throw ipamError('ERR_VNI_NOT_ALLOCATED', 'nobody has the VNI', { vni: id })
    }
    if (current !== holder) throw taken(known, current)
    this.#holders.delete(known)
    if (this.#counts(known)) this.#pool.give(known - this.#first)
  }

  #counts(id: Vni): boolean {
    return id >= this.#first && id <= this.#last
  }

  #next(): Vni {
    const number = this.#pool.take()
    if (number !== null) return vni(this.#first + number)
    const facts = { first: this.#first, last: this.#last }
    throw ipamError('ERR_VNI_EXHAUSTED', 'no free VNI left', facts)
  }

  /** Asking again for what one has is no conflict. */
  #claim(wanted: Vni, holder: string): Vni {
    const current = this.#holders.get(wanted)
    if (current === holder) return wanted
    if (current !== undefined) throw taken(wanted, current)
    const claimed = !this.#counts(wanted) || this.#pool.claim(wanted - this.#first)
    assert(claimed, 'a VNI that nobody has is free')
    return wanted
  }
}

function taken(id: Vni, holder: string): Error {
  return ipamError('ERR_VNI_TAKEN', 'another holder has the VNI', { vni: id, holder })
}
