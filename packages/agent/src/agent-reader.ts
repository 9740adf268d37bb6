/** What an agent shows of itself: looked up when asked for, kept nowhere. */
import { describeError, ipFamily } from '@weft/core'
import type {
  AttachmentView,
  FailedItemView,
  KeyView,
  LocalNetworkView,
  NodeIdentity,
  PeerView,
} from '@weft/swarm'
import type { AgentParts } from './agent-parts.ts'
import type { AgentView } from './agent.ts'
import { attachmentView } from './attachments/attachment.ts'
import { keyViews } from './gossip/session-keys.ts'
import { networkViews } from './network-views.ts'

/** The reading half of an Agent. */
export class AgentReader {
  readonly #parts: AgentParts
  readonly #dataplane: string

  /** `dataplane` is the name of its backend. */
  constructor(parts: AgentParts, dataplane: string) {
    this.#parts = parts
    this.#dataplane = dataplane
  }

  view(): AgentView {
    const { state, sessions, renewal, rows } = this.#parts
    const { nodeId, clusterId, role } = renewal.identity
    const member = state.isMember ? 'active' : 'pending'
    return {
      state: sessions.removed === null ? member : 'error',
      error: problemOf(this.#parts),
      nodeId,
      clusterId,
      role,
      nodeAddress: state.addresses.advertiseIp,
      managers: sessions.remotes.list(),
      connected: sessions.isOpen,
      hostname: state.facts.hostname,
      dataplane: this.#dataplane,
      ready: state.desired !== null && rows.unconfirmed.length === 0,
    }
  }

  identity(): NodeIdentity {
    return this.#parts.renewal.identity
  }

  attachments(): readonly AttachmentView[] {
    const { book, state } = this.#parts
    const underlay = ipFamily(state.addresses.dataPathIp)
    return book.all().map((attachment) => attachmentView(attachment, underlay))
  }

  networks(): readonly LocalNetworkView[] {
    const { book, rows, state, ring } = this.#parts
    const self = { name: ring.identity.name, address: state.addresses.advertiseIp }
    const underlay = ipFamily(state.addresses.dataPathIp)
    const { desired } = state
    return networkViews({ book, rows, desired, peers: ring.peers(), underlay, self })
  }

  peers(): readonly PeerView[] {
    return this.#parts.ring.peers()
  }

  keys(): readonly KeyView[] {
    return keyViews(this.#parts.state.keys)
  }

  failedItems(): readonly FailedItemView[] {
    return [...this.#parts.programmer.failures.values()].map(({ item, error }) => ({
      item,
      code: error.code,
      message: describeError(error),
    }))
  }
}

/** The worst thing first. */
function problemOf({ keeper, state, sessions, renewal, ring, programmer }: AgentParts): string {
  const { problem: dataplane } = programmer
  const texts = [
    sessions.removed?.message ?? '',
    renewal.problem,
    state.problem,
    ring.problem,
    keeper.problem,
    dataplane === null ? '' : describeError(dataplane),
    sessions.problem,
  ]
  return texts.find((text) => text !== '') ?? ''
}
