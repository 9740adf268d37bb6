/** Why an endpoint is not programmed: people want to hear of what it hangs on. */
import { dataplaneError, itemPath, type ItemFailure } from '@weft/dataplane'
import type { Attachment } from './attachment.ts'

/** An endpoint depends on its subnet, that on its network, that on the tunnel. */
const DEPENDENCIES = 4

/** The first cause, in words for whoever attached it; null when the endpoint is programmed. */
export function endpointFailure(
  attachment: Attachment,
  failures: ReadonlyMap<string, ItemFailure>,
): ItemFailure | null {
  const { endpointId, grant } = attachment
  let failure = failures.get(itemPath.local(grant?.network.id ?? '', endpointId)) ?? null
  for (let depth = 0; depth < DEPENDENCIES && failure !== null; depth++) {
    if (failure.error.code !== 'ERR_DEPENDENCY') break
    const { dependsOn } = failure.error.details as { readonly dependsOn: string }
    failure = failures.get(dependsOn) ?? failure
  }
  return failure === null ? null : explained(failure, attachment)
}

/** The contract's words are about items; of encryption people must hear that nothing went clear. */
function explained({ error, item }: ItemFailure, { grant, request }: Attachment): ItemFailure {
  if (error.code !== 'ERR_UNSUPPORTED') return { error, item }
  const { capability } = error.details as { readonly capability: string }
  if (capability !== 'encapsulation:vxlan-esp') return { error, item }
  const name = grant === null ? request.network : grant.shape.name
  const text = `network ${name} is encrypted, which the dataplane of this node cannot do`
  return { error: dataplaneError('ERR_UNSUPPORTED', text, { item, capability }, error), item }
}
