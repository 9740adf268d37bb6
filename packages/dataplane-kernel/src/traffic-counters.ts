/** Counters over the tunnels of all networks, which outlive the devices they are read from. */
import type { Counters, NetworkCounters, NetworkId } from '@weft/dataplane'
import type { LinkCounters } from '@weft/linux'
import type { NetworkSite } from './site.ts'

type Writable<T> = { -readonly [K in keyof T]: T[K] }

interface Seen {
  readonly transmitted: number
  readonly received: number
  readonly frameDropped: number
  readonly datagramDropped: number
}

const NOTHING: Seen = { transmitted: 0, received: 0, frameDropped: 0, datagramDropped: 0 }

/**
 * Sums that only grow: what a device counted is added as it is seen, so that one that is made
 * anew, and counts from zero, takes nothing away. What a device counted before we first saw it is
 * a predecessor's and left out.
 */
export class TrafficCounters {
  readonly #seen = new Map<string, Seen>()
  readonly #networks = new Map<NetworkId, Writable<NetworkCounters>>()
  #frameDropped = 0
  #datagramDropped = 0

  /** Take a device that was there before us as counting from here. */
  adopt(site: NetworkSite): void {
    for (const [key, seen] of readSeen(site)) this.#seen.set(key, seen)
  }

  /** Add what the devices of a network have counted since they were last looked at. */
  update(site: NetworkSite): void {
    const sum = this.#networks.get(site.id) ?? { transmitted: 0, received: 0 }
    this.#networks.set(site.id, sum)
    for (const [key, now] of readSeen(site)) {
      const known = this.#seen.get(key) ?? NOTHING
      // A namespace's identity may come again, and with it a key; counting then began anew.
      const before = now.transmitted < known.transmitted ? NOTHING : known
      this.#seen.set(key, now)
      sum.transmitted += now.transmitted - before.transmitted
      sum.received += now.received - before.received
      this.#frameDropped += now.frameDropped - before.frameDropped
      this.#datagramDropped += now.datagramDropped - before.datagramDropped
    }
  }

  /** The sums, with a drift count that is kept elsewhere. */
  totals(drift: number): Counters {
    const networks = new Map([...this.#networks].map(([id, sum]) => [id, { ...sum }]))
    const all = [...networks.values()]
    return {
      transmitted: all.reduce((sum, { transmitted }) => sum + transmitted, 0),
      received: all.reduce((sum, { received }) => sum + received, 0),
      dropped: new Map([
        ['frame-not-forwarded', this.#frameDropped],
        ['datagram-refused', this.#datagramDropped],
      ]),
      drift,
      networks,
    }
  }
}

/** The tunnels' own counters, each under a key that no later device has. */
function readSeen(site: NetworkSite): readonly (readonly [string, Seen])[] {
  const { identity } = site.kernel.namespace
  return [...site.subnets.values()].flatMap(({ vxlanIndex }) => {
    const counters = site.kernel.links.get(vxlanIndex)?.counters ?? null
    return counters === null ? [] : [[`${identity}/${vxlanIndex}`, seenOf(counters)] as const]
  })
}

function seenOf(counters: LinkCounters): Seen {
  return {
    transmitted: counters.transmittedPackets,
    received: counters.receivedPackets,
    frameDropped: counters.transmitDropped + counters.transmitErrors,
    datagramDropped: counters.receiveDropped + counters.receiveErrors,
  }
}
