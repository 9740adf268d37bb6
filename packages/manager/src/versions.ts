/** Versions of objects: whoever writes has read the last one. */
import { swarmError, type Meta } from '@weft/swarm'

/** Throws ERR_OUT_OF_SEQUENCE when the object is at another version than the writer read. */
export function checkVersion(
  { id, meta }: { readonly id: string; readonly meta?: Meta | undefined },
  version: bigint,
): void {
  if (meta?.version?.index === version) return
  throw swarmError('ERR_OUT_OF_SEQUENCE', 'update out of sequence', { subject: id })
}
