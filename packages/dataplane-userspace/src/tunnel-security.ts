/** What seals the encrypted networks of a state, and the items that say so. */
import type { Ip } from '@weft/core'
import {
  associationTags,
  dataplaneError,
  itemPath,
  itemText,
  sealedPeers,
  type AcceptedState,
  type FailureLog,
} from '@weft/dataplane'
import type { SecurityProblem } from './engine/engine-state.ts'
import type { SecuritySpec, SwitchReading } from './switch-protocol.ts'

/** What a state asks for; null where no network is encrypted. */
export function securityOf(state: AcceptedState): SecuritySpec | null {
  const { keys = [], networks, tunnel } = state
  const isAny = [...networks.values()].some(({ encapsulation }) => encapsulation === 'vxlan-esp')
  if (!isAny) return null
  return { local: tunnel, peers: new Set(sealedPeers(state).map(({ ip }) => ip)), keys }
}

/** Whether the switch needs not be told. Keys are compared as objects: a tag may be used anew. */
export function isSameSecurity(a: SecuritySpec | null, b: SecuritySpec | null): boolean {
  if (a === null || b === null) return a === b
  return (
    a.local.ip === b.local.ip &&
    a.local.port === b.local.port &&
    a.peers.size === b.peers.size &&
    [...a.peers].every((peer) => b.peers.has(peer)) &&
    a.keys.length === b.keys.length &&
    a.keys.every((key, i) => key === b.keys[i])
  )
}

/** Guards and associations as `observe()` must list them when a state is programmed. */
export function securityItems(state: AcceptedState): ReadonlyMap<string, string> {
  const items = new Map<string, string>()
  for (const { encapsulation, subnets } of state.networks.values()) {
    if (encapsulation !== 'vxlan-esp') continue
    for (const { vni } of subnets) {
      items.set(itemPath.guard(vni), itemText.guard(state.tunnel.port))
    }
  }
  const tags = associationTags(state.keys ?? [])
  for (const { ip } of sealedPeers(state)) {
    items.set(itemPath.association(ip), itemText.association(tags))
  }
  return items
}

/** The same as the switch's tables have it. A subnet that is sealed is its own guard. */
export function securityItemsRead(
  { associations, tables }: SwitchReading,
  port: number,
): ReadonlyMap<string, string> {
  const items = new Map<string, string>()
  for (const [vni, { encapsulation }] of tables.subnets) {
    if (encapsulation === 'vxlan-esp') items.set(itemPath.guard(vni), itemText.guard(port))
  }
  for (const [ip, keys] of associations) {
    items.set(itemPath.association(ip), itemText.association(keys))
  }
  return items
}

/** Paths whose text is not the same in both. */
export function differingItems(
  a: ReadonlyMap<string, string>,
  b: ReadonlyMap<string, string>,
): readonly string[] {
  const paths = new Set([...a.keys(), ...b.keys()])
  return [...paths].filter((path) => a.get(path) !== b.get(path))
}

/** Record what the switch could not seal with, under the items that suffer from it. */
export function failSecurity(
  failures: FailureLog,
  problems: readonly SecurityProblem[],
  state: AcceptedState,
): void {
  for (const { code, peer } of problems) {
    if (peer === null) failKeys(failures, code, state)
    else failPeer(failures, { code, peer }, state)
  }
}

function failKeys(failures: FailureLog, code: string, { networks }: AcceptedState): void {
  for (const [id, { encapsulation }] of networks) {
    if (encapsulation !== 'vxlan-esp') continue
    const item = itemPath.network(id)
    const details = { item, problem: `the switch says ${code}`, expected: 'keys of AES-128' }
    failures.add(item, dataplaneError('ERR_INVALID_ITEM', 'the keys cannot be used', details))
  }
}

function failPeer(
  failures: FailureLog,
  { code, peer }: { readonly code: string; readonly peer: Ip },
  state: AcceptedState,
): void {
  for (const { ip, node } of sealedPeers(state)) {
    if (ip !== peer) continue
    const item = itemPath.peer(node)
    const details = { item, operation: 'seal for the peer', diagnostic: code }
    failures.add(item, dataplaneError('ERR_HOST', 'no association with the peer', details))
  }
}
