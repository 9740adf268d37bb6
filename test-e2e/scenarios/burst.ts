/** Many attachments at once, asked for over the sockets that the commands use. */
import { parseIp } from '@weft/core'
import {
  createEngineClient,
  socketFetch,
  type AttachJson,
  type AttachmentJson,
  type EngineClient,
} from '@weft/engine-api/client'
import { runOn, WEFT_SOCKET } from '@weft/lab'
import type { Cluster } from './cluster.ts'
import type { ClusterHost, Endpoint } from './endpoints.ts'

/**
 * Attach new namespaces, in turn on each host, all asked for at once: on the first host by one
 * request for all of its own, on the others by a request each.
 */
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
  const made = await Promise.all(
    [...clientsOf(cluster)].map(async ([host, client], at) => {
      const mine = names.filter((_, i) => hostOf(i) === host)
      const wanted = mine.map((name) => ({ network, name, netns: `/run/netns/${name}` }))
      const asked = at === 0 ? byOneRequest(client, wanted) : byRequests(client, wanted)
      return (await asked).map(({ addresses, name }) => {
        const ip = parseIp((addresses[0] ?? '').replace(/\/.*/, ''))
        return cluster.endpoints.add(host, { name, network, ip })
      })
    }),
  )
  return made.flat()
}

function byRequests(
  { attachments }: EngineClient,
  wanted: readonly AttachJson[],
): Promise<AttachmentJson[]> {
  return Promise.all(wanted.map((one) => attachments.create(one)))
}

async function byOneRequest(
  { attachments }: EngineClient,
  wanted: readonly AttachJson[],
): Promise<AttachmentJson[]> {
  const made: AttachmentJson[] = []
  for await (const { attachment, error } of attachments.createEach(wanted)) {
    if (error !== null) throw error
    made.push(attachment)
  }
  return made
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
