/** Ways of planting a bug between the simulator and a node. */
import {
  BucketSet,
  decodeExchange,
  encodeExchange,
  type ExchangeMessage,
  type GossipOutput,
  type Membership,
  type Row,
  type RowChange,
  type StreamId,
} from '@weft/gossip'
import { overlay } from './overlay.ts'
import { productionNode, type GossipNode, type NodeFactory } from './ring.ts'

/** A node as `change` makes it of the real one. */
export function changed(change: (node: GossipNode) => GossipNode): NodeFactory {
  return (now, options, ports) => change(productionNode(now, options, ports))
}

type Tables = GossipNode['tables']
type Roster = GossipNode['membership']['roster']

/** A node with other tables. */
export function withTables(change: (tables: Tables) => Tables): NodeFactory {
  return changed((node) => overlay(node, { tables: change(node.tables) }))
}

/** A node with another roster. */
export function withRoster(change: (roster: Roster) => Roster): NodeFactory {
  return changed((node) => {
    const roster = change(node.membership.roster)
    return overlay(node, { membership: overlay(node.membership, { roster }) })
  })
}

/** A node that asks for other things. */
export function withOutputs(
  change: (outputs: readonly GossipOutput[]) => readonly GossipOutput[],
): NodeFactory {
  return changed((node) => overlay(node, { drain: () => change(node.drain()) }))
}

/** A node that says other things when it compares digests. */
export function withExchanges(change: (message: ExchangeMessage) => ExchangeMessage): NodeFactory {
  return changed((node) => {
    const { membership } = node
    const send: Membership['send'] = (now, to, message) => {
      const exchange = decodeExchange(message.bytes)
      const bytes = typeof exchange === 'string' ? message.bytes : encodeExchange(change(exchange))
      membership.send(now, to, { ...message, bytes })
    }
    // The tables look for their membership each time, and find this one.
    return Object.assign(node, { membership: overlay(membership, { send }) })
  })
}

/** As an exchange is, but for one bucket: nothing in it is listed or asked for. */
export function withoutBucket(message: ExchangeMessage, bucket: number): ExchangeMessage {
  const isLeft = ({ low }: { readonly low: number }): boolean => (low & 0xff) !== bucket
  if (message.kind === 'wants') return { ...message, wants: message.wants.filter(isLeft) }
  if (message.kind !== 'items') return message
  const skipped = new BucketSet()
  skipped.add(bucket)
  const covered = message.covered.without(skipped)
  return { ...message, covered, items: message.items.filter(isLeft) }
}

/** Tells a watcher. */
export type Tell = (change: RowChange) => void

/** A node that tells its watchers of rows in its own way. */
export function withRowChanges(change: (change: RowChange, tell: Tell) => void): NodeFactory {
  return withTables((tables) =>
    overlay(tables, {
      watchRows: (filter, onChange) => tables.watchRows(filter, (one) => change(one, onChange)),
    }),
  )
}

/** A row with one bit of its value changed. */
export function corrupted(row: Row): Row {
  const value = row.value.slice()
  value[0] = (value[0] ?? 0) ^ 1
  return { ...row, value }
}

/** Numbers of a hoarder's streams: no core of its own gets there. */
const HOARD = 2 ** 40

/** A node that opens a stream with every datagram, and closes none. */
export function hoarding(): NodeFactory {
  let streams = HOARD
  return withOutputs((outputs) =>
    outputs.flatMap((output): readonly GossipOutput[] => {
      if (output.kind !== 'packet') return [output]
      return [output, { kind: 'stream-open', stream: ++streams as StreamId, to: output.to }]
    }),
  )
}
