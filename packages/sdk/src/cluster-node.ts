/** A node as the Engine API sees it: Docker's verbs over a lifecycle. */
import type { Agent } from '@weft/agent'
import type { ClusterNode } from '@weft/swarm'
import { initCluster, joinCluster } from './enter-cluster.ts'
import type { Enter, Lifecycle } from './lifecycle.ts'

/** What @weft/engine-api stands on. */
export function clusterNodeOf(lifecycle: Lifecycle): ClusterNode {
  const agent = (): Agent | undefined => lifecycle.memberOrNull?.agent
  return {
    events: lifecycle.events,
    view: () => lifecycle.view(),
    get control() {
      return lifecycle.control
    },
    async init(request, options = {}) {
      const enter: Enter = (around, signal) => initCluster(request, around, signal)
      const { record } = await lifecycle.enter(enter, options.signal)
      return record.identity.nodeId
    },
    async join(request, options = {}) {
      const enter: Enter = (around, signal) => joinCluster(request, around, signal)
      await lifecycle.enter(enter, options.signal)
    },
    leave: ({ force, signal }) => lifecycle.leave(force, signal),
    attach: async (request, options) => lifecycle.member.agent.attach(request, options),
    detach: async (id, options) => lifecycle.member.agent.detach(id, options),
    attachments: () => agent()?.attachments() ?? [],
    networks: () => agent()?.networks() ?? [],
    peers: () => agent()?.peers() ?? [],
    keys: () => agent()?.keys() ?? [],
    failedItems: () => agent()?.failedItems() ?? [],
  }
}
