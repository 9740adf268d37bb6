/** The doors of the digest exchange, under one name for those who write against it. */
export { DigestIndex } from './digest-index.ts'
export { DigestSums, type DigestItem } from './digest-sums.ts'
export type { DigestSource, ReconcilerLines } from './digest-source.ts'
export { itemHash, type ItemHash } from './item-hash.ts'
export { Reconciler, type ReconcilerCounters, type ReconcilerOptions } from './reconciler.ts'
