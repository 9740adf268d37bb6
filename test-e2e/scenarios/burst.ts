/** Many attachments at once, asked for over the sockets that the commands use. */
import { parseIp } from '@weft/core'
import { createEngineClient, socketFetch, type EngineClient } from '@weft/engine-api/client'
import { runOn, WEFT_SOCKET } from '@weft/lab'
import type { Cluster } from './cluster.ts'
import type { ClusterHost, Endpoint } from './endpoints.ts'

/** Attach new namespaces, in turn on each host, all asked for at once. */
export async function attachMany(
  cluster: Cluster,
  network: string,
  count: number,
): Promise<readonly Endpoint[]> {
  const names = Array.from({ length: count }, (_, i) => `many-${i}`)
  const hostOf = (i: number): ClusterHost => cluster.host(1 + (i % cluster.hosts.length))
  for (const host of cluster.hosts) {
    const mine = names.filter((_, i) => hostOf(i) === host)
    await runOn(host.machine, ['sh', '-c', ADD_NAMESPACES, 'sh', ...mine])
  }
  const clients = clientsOf(cluster)
  return Promise.all(
    names.map(async (name, i) => {
      const host = hostOf(i)
      const request = { network, name, netns: `/run/netns/${name}` }
      const made = await clients.get(host)?.attachments.create(request)
      const ip = parseIp((made?.addresses[0] ?? '').replace(/\/.*/, ''))
      return cluster.endpoints.add(host, { name, network, ip })
    }),
  )
}

/** Detach them all at once, and remove their namespaces. */
export async function detachMany(cluster: Cluster, many: readonly Endpoint[]): Promise<void> {
  const clients = clientsOf(cluster)
  await Promise.all(
    many.map(async ({ host, name, network }) => {
      await clients.get(host)?.attachments.remove(`${network}/${name}`)
    }),
  )
  await Promise.all(many.map((endpoint) => cluster.endpoints.forget(endpoint)))
}

const ADD_NAMESPACES = 'for n in "$@"; do ip netns add $n; done'

/** Clients in this process: hundreds of commands would measure Node. */
function clientsOf({ hosts }: Cluster): ReadonlyMap<ClusterHost, EngineClient> {
  const clientOf = ({ machine }: ClusterHost): EngineClient =>
    createEngineClient(socketFetch(machine.path(WEFT_SOCKET)))
  return new Map(hosts.map((host) => [host, clientOf(host)]))
}
