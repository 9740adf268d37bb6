/** A cluster as people may see it: without the keys, as Docker's Control API shows it (§7.14). */
import type { Cluster, ObjectChange } from '@weft/swarm'

/** Join tokens stay: they are what people ask for. */
export function redacted(cluster: Cluster): Cluster {
  const { rootCa } = cluster
  return {
    ...cluster,
    rootCa: rootCa === undefined ? undefined : { ...rootCa, caKey: new Uint8Array(0) },
    networkBootstrapKeys: [],
  }
}

/** The same, of a change. */
export function redactedChange(change: ObjectChange): ObjectChange {
  return change.kind === 'cluster' ? { ...change, object: redacted(change.object) } : change
}
