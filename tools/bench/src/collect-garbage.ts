/** Sweeping the heap, so that what came before is not charged to what is measured. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** A full collection, now. */
export function collectGarbage(): void {
  collect()
}
