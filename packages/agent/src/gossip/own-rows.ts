/** What this node tells its peers: the rows of its endpoints (docker-wire §4.1, §4.2). */
import { addressOf, type InterfaceAddress, type Ip, type Mac } from '@weft/core'
import { endpointTable, peerTable, type RowWrite } from '@weft/gossip'

/** An endpoint of ours as peers hear of it. */
export interface AnnouncedEndpoint {
  readonly networkId: string
  /** 64 hexadecimal digits: the key of its rows. */
  readonly rowKey: string
  readonly name: string
  readonly aliases: readonly string[]
  readonly mac: Mac
  /** At least one. */
  readonly addresses: readonly InterfaceAddress[]
}

/** Hexadecimal digits of a container's short ID, which Docker's containers answer to as well. */
const SHORT_ID_DIGITS = 12

/** The rows of endpoints; the same objects as long as an endpoint says the same. */
export class OwnRows {
  readonly #made = new WeakMap<object, Made>()

  /** `holder` stands for the endpoint over its life. */
  of(holder: object, endpoint: AnnouncedEndpoint, vtep: Ip): readonly RowWrite[] {
    const known = this.#made.get(holder)
    const { rowKey, addresses } = endpoint
    const isSame = known?.rowKey === rowKey && known.vtep === vtep
    if (isSame && known.addresses.join() === addresses.join()) return known.rows
    const rows = rowsOf(endpoint, vtep)
    this.#made.set(holder, { rowKey, vtep, addresses, rows })
    return rows
  }
}

interface Made {
  readonly rowKey: string
  readonly vtep: Ip
  readonly addresses: readonly InterfaceAddress[]
  readonly rows: readonly RowWrite[]
}

/**
 * A name row for the first address, and a peer row for each: peers find an endpoint of two
 * families by its MAC. The value of a peer row never changes under one key (docker-wire §4.4).
 */
export function rowsOf(endpoint: AnnouncedEndpoint, vtep: Ip): readonly RowWrite[] {
  const { networkId, rowKey, name, aliases, mac, addresses } = endpoint
  const peers = addresses.map((endpointIp, i) => ({
    networkId,
    table: peerTable.name,
    key: peerRowKey(rowKey, i),
    value: peerTable.encode({ endpointIp, endpointMac: mac, vtep }),
  }))
  const [first] = addresses
  if (first === undefined) return peers
  const shortId = rowKey.slice(0, SHORT_ID_DIGITS)
  const value = endpointTable.encode({
    name,
    serviceName: '',
    serviceId: '',
    virtualIp: null,
    endpointIp: addressOf(first),
    ingressPorts: [],
    aliases: [],
    taskAliases: [...new Set([...aliases, shortId])],
    serviceDisabled: false,
  })
  return [...peers, { networkId, table: endpointTable.name, key: rowKey, value }]
}

/** Keys of further addresses differ from the first in their last digits. */
function peerRowKey(rowKey: string, index: number): string {
  if (index === 0) return rowKey
  const digits = index.toString(16).padStart(2, '0')
  const own = rowKey.slice(0, -2)
  return own + (rowKey.endsWith(digits) ? `f${digits.slice(1)}` : digits)
}
