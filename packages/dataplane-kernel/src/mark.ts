/**
 * Ownership marks: the `ifalias` of every device we make says whose it is and which item it serves.
 * What carries no mark of our instance is somebody else's and is never touched.
 */
import type { Cidr, Vni } from '@weft/core'
import { itemPath, type EndpointId, type Encapsulation, type NetworkId } from '@weft/dataplane'

/** Longest `ifalias`, in bytes (IFALIASZ less the closing zero, linux/if.h). */
export const ALIAS_BYTES_MAX = 255

/** What a mark says. */
export type Mark =
  /** On the loopback device of a network's namespace: the whole namespace is the network's. */
  | { readonly kind: 'network'; readonly network: NetworkId; readonly encapsulation: string }
  /** On a bridge, with the prefixes in their order, which addresses alone would not tell. */
  | {
      readonly kind: 'bridge'
      readonly network: NetworkId
      readonly vni: Vni
      readonly cidrs: readonly Cidr[]
    }
  /** On a VXLAN device. */
  | { readonly kind: 'tunnel'; readonly network: NetworkId; readonly vni: Vni }
  /** On both ends of an endpoint's veth. */
  | { readonly kind: 'local'; readonly network: NetworkId; readonly endpoint: EndpointId }

/** Marks of one instance as text. */
export function formatMark(instance: string, mark: Mark): string {
  return `weft/${instance}/${body(mark)}`
}

/** What an alias says; null when it is not a mark of this instance. */
export function parseMark(instance: string, alias: string | null): Mark | null {
  const prefix = `weft/${instance}/`
  if (alias === null || !alias.startsWith(prefix)) return null
  const [path = '', extra = ''] = alias.slice(prefix.length).split(' ')
  const [networks, network, kind, name, ...rest] = path.split('/')
  if (networks !== 'networks' || network === undefined || network === '') return null
  if (kind === undefined) return { kind: 'network', network, encapsulation: extra }
  if (name === undefined || name === '') return null
  if (kind === 'local' && rest.length === 0) return { kind: 'local', network, endpoint: name }
  return kind === 'subnets' ? subnetMark({ network, name, rest, extra }) : null
}

/** The network a namespace is marked as belonging to; null when it is not marked as ours. */
export function networkMark(
  instance: string,
  alias: string | null,
): { readonly network: NetworkId; readonly encapsulation: Encapsulation } | null {
  const mark = parseMark(instance, alias)
  if (mark?.kind !== 'network') return null
  const { network, encapsulation } = mark
  if (encapsulation !== 'vxlan' && encapsulation !== 'vxlan-esp') return null
  return { network, encapsulation }
}

function body(mark: Mark): string {
  switch (mark.kind) {
    case 'network':
      return `${itemPath.network(mark.network)} ${mark.encapsulation}`
    case 'bridge':
      return `${itemPath.subnet(mark.network, mark.vni)} ${mark.cidrs.join(',')}`
    case 'tunnel':
      return `${itemPath.subnet(mark.network, mark.vni)}/tunnel`
    case 'local':
      return itemPath.local(mark.network, mark.endpoint)
  }
}

interface SubnetMarkParts {
  readonly network: NetworkId
  readonly name: string
  readonly rest: readonly string[]
  readonly extra: string
}

function subnetMark({ network, name, rest, extra }: SubnetMarkParts): Mark | null {
  if (!/^[0-9]{1,8}$/.test(name)) return null
  const vni = Number(name) as Vni
  if (rest.length === 1 && rest[0] === 'tunnel') return { kind: 'tunnel', network, vni }
  if (rest.length > 0) return null
  const cidrs = extra === '' ? [] : (extra.split(',') as Cidr[])
  return { kind: 'bridge', network, vni, cidrs }
}
