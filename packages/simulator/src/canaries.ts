/** Nodes with a planted bug: each must be caught by the check that is there for it. */
import type { AttachmentChange, GossipOutput } from '@weft/gossip'
import { overlay } from './overlay.ts'
import {
  changed,
  corrupted,
  hoarding,
  withExchanges,
  withOutputs,
  withRoster,
  withRowChanges,
  withTables,
  withoutBucket,
} from './planted-bug.ts'
import { productionNode, type NodeFactory } from './ring.ts'
import { playSwarm, type Outcome } from './swarm/play.ts'
import type { CheckName } from './swarm/referee.ts'
import { drawSwarm, type SwarmWishes } from './swarm/swarm-options.ts'

/** A planted bug. */
export interface Canary {
  readonly name: string
  readonly about: string
  readonly caughtBy: CheckName
  readonly wishes: SwarmWishes
  readonly createNode: NodeFactory
}

/** Seeds that a canary is tried with; a bug that hides from all of them is not caught. */
export const CANARY_SEEDS_MAX = 40

const NODES = 4
const quick: SwarmWishes = { nodes: NODES, profileName: 'lan', durationMs: 20_000 }

/** Rows are not gossiped, nor copied now and then. */
const DIGESTS_ONLY = { tableGossipNodes: 0, bulkSyncIntervalMs: 86_400_000 } as const

/** One that some row falls into, written while nobody else can hear it, in one of a few seeds. */
const SKIPPED_BUCKET = 185

const skipsABucket = withExchanges((message) => withoutBucket(message, SKIPPED_BUCKET))

/** All of them; every check has one. */
export const CANARIES: readonly Canary[] = [
  {
    name: 'throws',
    about: 'throws at a packet now and then',
    caughtBy: 'no-throw',
    wishes: quick,
    createNode: changed((node) => {
      let packets = 0
      return overlay(node, {
        receive: (now, from, bytes) => {
          if (++packets === 500) throw new Error('planted')
          node.receive(now, from, bytes)
        },
      })
    }),
  },
  {
    name: 'incarnation-goes-back',
    about: 'shows the incarnations of others as they were',
    caughtBy: 'incarnation-monotone',
    wishes: quick,
    createNode: withRoster((roster) => {
      let looks = 0
      return overlay(roster, {
        all: function* () {
          const back = ++looks > 20 ? 1 : 0
          for (const member of roster.all()) {
            yield overlay(member, { incarnation: member.incarnation - back })
          }
        },
      })
    }),
  },
  {
    name: 'believes-its-death',
    about: 'takes itself for dead without having left',
    caughtBy: 'self-alive',
    wishes: quick,
    createNode: withRoster((roster) => {
      let looks = 0
      const self = overlay(roster.self, {
        get state() {
          return ++looks > 20 ? ('dead' as const) : roster.self.state
        },
      })
      return overlay(roster, { self })
    }),
  },
  {
    name: 'ghost-member',
    about: 'knows a member that nobody started',
    caughtBy: 'known-members',
    wishes: quick,
    createNode: withRoster((roster) =>
      overlay(roster, {
        all: function* () {
          yield* roster.all()
          yield overlay(roster.self, { name: 'ghost' })
        },
      }),
    ),
  },
  {
    name: 'corrupts-values',
    about: 'changes a byte of rows that others wrote',
    caughtBy: 'no-invention',
    wishes: quick,
    createNode: withRowChanges((change, tell) => {
      if (change.road === 'local') tell(change)
      else tell({ ...change, row: corrupted(change.row) })
    }),
  },
  {
    name: 'ghost-attachment',
    about: 'tells of nodes in networks that they never attached to',
    caughtBy: 'known-attachments',
    wishes: quick,
    createNode: withTables((tables) =>
      overlay(tables, {
        watchAttachments: (onChange) =>
          tables.watchAttachments((change: AttachmentChange) =>
            onChange({ ...change, networkId: `${change.networkId}-ghost` }),
          ),
      }),
    ),
  },
  {
    name: 'tells-the-past',
    about: 'tells what a row was before, after telling what it is',
    caughtBy: 'lamport-monotone',
    wishes: quick,
    createNode: withRowChanges((change, tell) => {
      tell(change)
      const { type, row, previous } = change
      if (type === 'update' && previous !== null) tell({ ...change, row: previous, previous: row })
    }),
  },
  {
    name: 'stays-attached',
    about: 'goes on telling rows of networks it was detached from',
    caughtBy: 'isolation',
    wishes: quick,
    createNode: withTables((tables) => overlay(tables, { detach: () => undefined })),
  },
  {
    name: 'ignores-tombstones',
    about: 'takes a late copy of a row for news after it was deleted',
    caughtBy: 'no-resurrection',
    wishes: quick,
    createNode: withRowChanges((change, tell) => {
      tell(change)
      const { type, road } = change
      if (type !== 'delete' || road === 'membership') return
      tell({ ...change, type: 'create', previous: null })
    }),
  },
  {
    name: 'swallows-deletes',
    about: 'does not tell its watchers of deletions',
    caughtBy: 'watch-replay',
    wishes: quick,
    createNode: withRowChanges((change, tell) => {
      if (change.type !== 'delete') tell(change)
    }),
  },
  {
    name: 'speaks-in-the-clear',
    about: 'has keys and does not use them',
    caughtBy: 'sealed',
    wishes: quick,
    createNode: (now, options, ports) => productionNode(now, { ...options, keys: null }, ports),
  },
  {
    name: 'fat-datagrams',
    about: 'fills datagrams beyond what the path takes',
    caughtBy: 'packet-size',
    wishes: quick,
    createNode: withOutputs((outputs) =>
      outputs.map((output) => {
        if (output.kind !== 'packet') return output
        const bytes = new Uint8Array(output.bytes.length + 1400)
        bytes.set(output.bytes)
        return { ...output, bytes }
      }),
    ),
  },
  {
    name: 'chatters',
    about: 'sends everything three hundred times',
    caughtBy: 'bounded-rate',
    wishes: quick,
    createNode: withOutputs((outputs) =>
      outputs.flatMap((output) =>
        output.kind === 'packet' ? Array<GossipOutput>(300).fill(output) : [output],
      ),
    ),
  },
  {
    name: 'hoards-streams',
    about: 'opens streams and never closes them',
    caughtBy: 'bounded-streams',
    wishes: quick,
    createNode: hoarding(),
  },
  {
    name: 'never-probes',
    about: 'asks nobody whether it is still there',
    caughtBy: 'agree-members',
    wishes: { ...quick, nodes: 6 },
    createNode: (now, options, ports) => {
      const profile = { ...options.profile, probeIntervalMs: 86_400_000 }
      return productionNode(now, { ...options, profile }, ports)
    },
  },
  {
    name: 'drops-refutations',
    about: 'does not answer with a higher incarnation when it is accused',
    caughtBy: 'agree-members',
    wishes: { ...quick, durationMs: 40_000 },
    createNode: changed((node) => {
      // The record that a node keeps of itself: what it says of itself on any road is from there.
      Object.defineProperty(node.membership.roster.self, 'raise', { value: () => undefined })
      return node
    }),
  },
  {
    name: 'overlooks-a-node',
    about: 'does not see one of the nodes of a network',
    caughtBy: 'agree-attachments',
    wishes: quick,
    createNode: withTables((tables) =>
      overlay(tables, {
        networks: () => tables.networks().map((view) => ({ ...view, nodes: view.nodes.slice(1) })),
      }),
    ),
  },
  {
    name: 'keeps-rows-to-itself',
    about: 'tells nobody of its rows, and is never asked for them',
    caughtBy: 'agree-rows',
    wishes: quick,
    createNode: (now, options, ports) => {
      const silent = { ...DIGESTS_ONLY, digestIntervalMs: 0, foreignSyncIntervalMs: 0 }
      return productionNode(now, { ...options, profile: { ...options.profile, ...silent } }, ports)
    },
  },
  {
    name: 'skips-a-bucket',
    about: 'forgets one bucket of 256 when it compares digests, and has no other road for rows',
    caughtBy: 'agree-rows',
    wishes: { ...quick, durationMs: 40_000 },
    createNode: (now, options, ports) => {
      const profile = { ...options.profile, ...DIGESTS_ONLY }
      return skipsABucket(now, { ...options, profile }, ports)
    },
  },
]

/** The run in which a canary was caught by its check, or null: it was not, within so many seeds. */
export function catchCanary(canary: Canary): Outcome | null {
  for (let seed = 1; seed <= CANARY_SEEDS_MAX; seed++) {
    const options = drawSwarm(`canary ${seed}`, canary.wishes)
    const outcome = playSwarm(options, canary.createNode)
    if (outcome.violation?.check === canary.caughtBy) return outcome
  }
  return null
}
