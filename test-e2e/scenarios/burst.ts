/** Many attachments at once, asked for over the sockets that the commands use. */
import { parseIp } from '@weft/core'
import { createEngineClient, socketFetch, type EngineClient } from '@weft/engine-api/client'
import { runOn, WEFT_SOCKET } from '@weft/lab'
import { Endpoint, type Cluster, type ClusterHost } from './cluster.ts'

/** A client of a host's daemon, in this process: hundreds of commands would measure Node. */
export function clientOf({ machine }: ClusterHost): EngineClient {
  return createEngineClient(socketFetch(machine.path(WEFT_SOCKET)))
}

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
    await runOn(host.machine, ['sh', '-c', 'for n in "$@"; do ip netns add $n; done', 'sh', ...mine])
  }
  const clients = new Map(cluster.hosts.map((host) => [host, clientOf(host)]))
  const attached = await Promise.all(
    names.map(async (name, i) => {
      const host = hostOf(i)
      const made = await clients.get(host)?.attachments.create({
        network,
        name,
        netns: `/run/netns/${name}`,
      })
      const ip = parseIp((made?.addresses[0] ?? '').replace(/\/.*/, ''))
      return new Endpoint(host, { name, network, ip })
    }),
  )
  for (const endpoint of attached) cluster.endpoints.add(endpoint)
  return attached
}

/** Detach them all at once, and remove their namespaces. */
export async function detachMany(cluster: Cluster, many: readonly Endpoint[]): Promise<void> {
  const clients = new Map(cluster.hosts.map((host) => [host, clientOf(host)]))
  await Promise.all(
    many.map(({ host, name, network }) =>
      clients.get(host)?.attachments.remove(`${network}/${name}`),
    ),
  )
  for (const endpoint of many) {
    await cluster.forget(endpoint)
    await runOn(endpoint.host.machine, ['ip', 'netns', 'delete', endpoint.name])
  }
}
