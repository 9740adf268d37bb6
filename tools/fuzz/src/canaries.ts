/** Planted bugs that must be caught: a rig that misses them proves nothing. */
import { u16, u8 } from '@weft/core'
import { tcp } from '@weft/wire'
import { recordedFrom } from './recordings.ts'
import type { FuzzTarget } from './target.ts'

/** Options may run one byte over the end of the header's window. */
const overread: FuzzTarget = {
  name: 'canary/overread',
  about: 'planted: a length check that is off by one',
  corpus: () => recordedFrom('tcp'),
  run(bytes, start, end) {
    if (end - start < 20) return 'short'
    const options = (u8(bytes, start + 12) >>> 4) * 4
    if (options < 20 || start + options > end + 1) return 'bad-length'
    const last = u8(bytes, start + options - 1)
    return { last }
  },
}

/** Accepts what it cannot read. */
const thrower: FuzzTarget = {
  name: 'canary/throw',
  about: 'planted: an exception for one value of one field',
  corpus: () => recordedFrom('tcp'),
  run(bytes, start, end) {
    const fault = tcp.check(bytes, start, end)
    if (fault !== null) return fault
    if (u16(bytes, start + 18) !== 0) throw new RangeError('urgent data is not implemented')
    return tcp.decode(bytes, start)
  },
}

/** Targets that fail. They run first, and are never part of the result. */
export const canaries: readonly FuzzTarget[] = [overread, thrower]
