/** Ownership marks of TAPs: their `ifalias` says whose they are and which item they serve. */
import { itemPath, type EndpointId, type NetworkId } from '@weft/dataplane'

/** The mark of an endpoint's interface, in the form that the kernel backend has. */
export function endpointMark(
  instance: string,
  { network, endpoint }: { readonly network: NetworkId; readonly endpoint: EndpointId },
): string {
  return `weft/${instance}/${itemPath.local(network, endpoint)}`
}
