/** Looking at, and damaging, what a host's kernel dataplane has programmed. */
import { spawnSync } from 'node:child_process'
import type { Mac } from '@weft/core'
import { namespaceName } from '@weft/dataplane-kernel'
import { eventually } from '@weft/lab'
import { Kernel, listNamespaces, namespacePath, neighbourState } from '@weft/linux'
import type { NetworkPlace, WorldTables } from './world.ts'

const RETURN_WITHIN_MS = 5_000

/** A network's namespace is found by the names of its host and of the network. */
function nameOf({ host, network }: NetworkPlace): string {
  return namespaceName(host, network)
}

/**
 * Delete the tunnel's forwarding entry of a MAC with `bridge fdb del`, as a person would; where
 * there is no `bridge`, by the same netlink message. Returns the command.
 */
function deleteForwarding(place: NetworkPlace, mac: Mac): string {
  const command = ['bridge', '-n', nameOf(place), 'fdb', 'del', mac, 'dev', 'vxlan0', 'self']
  const done = spawnSync(command[0] ?? '', command.slice(1), { encoding: 'utf8' })
  if (done.error === undefined && done.status === 0) return 'bridge fdb del'
  if (done.error === undefined) throw new Error(`${command.join(' ')}: ${done.stderr.trim()}`)
  using kernel = Kernel.open(namespacePath({ name: nameOf(place) }))
  const linkIndex = kernel.links.require('vxlan0').index
  kernel.forwarding.apply('delete', { linkIndex, mac, table: 'self' })
  return 'RTM_DELNEIGH'
}

/** Milliseconds until the tunnel has an entry for the MAC again; null for too long. */
async function forwardingReturned(place: NetworkPlace, mac: Mac): Promise<number | null> {
  using kernel = Kernel.open(namespacePath({ name: nameOf(place) }))
  const start = performance.now()
  const linkIndex = kernel.links.require('vxlan0').index
  const has = (): void => {
    const entries = kernel.forwarding.list(linkIndex)
    const found = entries.some((entry) => entry.mac === mac && entry.table === 'self')
    if (!found) throw new Error(`no forwarding entry for ${mac}`)
  }
  try {
    await eventually(has, { withinMs: RETURN_WITHIN_MS })
    return performance.now() - start
  } catch {
    return null
  }
}

/** Namespaces of the dataplanes of all hosts, or of one. */
function networkNamespaces(prefix = ''): string[] {
  return listNamespaces().filter((name) => name.startsWith(`weft-${prefix}`))
}

/** Network namespaces that are left. */
export function leftovers(): string[] {
  return networkNamespaces().map((name) => `namespace ${name}`)
}

/** The tables of the kernel's namespaces. */
export const kernelTables: WorldTables = {
  deleteForwarding: async (place, mac) => deleteForwarding(place, mac),
  forwardingReturned,
  fingerprint: (host) => networkNamespaces(`${host}-`).map(namespaceText).join('\n'),
}

function namespaceText(name: string): string {
  using kernel = Kernel.open(namespacePath({ name }))
  const links = kernel.links.list().map(({ counters: _, ...link }) => link)
  const addresses = kernel.addresses.list()
  const fixed = kernel.neighbours.list().filter((n) => (n.state & neighbourState.permanent) !== 0)
  const forwarding = kernel.forwarding.list()
  const tables = [links, addresses, fixed, forwarding].map((rows) => rows.map(rowText).sort())
  return [name, kernel.namespace.identity, ...tables.flat()].join('\n')
}

function rowText(row: unknown): string {
  return JSON.stringify(row, (_key, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  )
}
