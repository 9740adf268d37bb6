/** All commands under one roof, in the order help shows them. */
import type { CommandGroup, CommandSpec } from './command.ts'
import { attach } from './commands/attach.ts'
import { attachments } from './commands/attachments.ts'
import { completionOf } from './commands/completion.ts'
import { detach } from './commands/detach.ts'
import { events } from './commands/events.ts'
import { info } from './commands/info.ts'
import { keys } from './commands/keys.ts'
import { networkCreate } from './commands/network-create.ts'
import { networkInspect } from './commands/network-inspect.ts'
import { networkLs } from './commands/network-ls.ts'
import { networkPrune } from './commands/network-prune.ts'
import { networkRm } from './commands/network-rm.ts'
import { nodeInspect } from './commands/node-inspect.ts'
import { nodeLs } from './commands/node-ls.ts'
import { nodeDemote, nodePromote } from './commands/node-promote.ts'
import { nodeRm } from './commands/node-rm.ts'
import { nodeUpdate } from './commands/node-update.ts'
import { peers } from './commands/peers.ts'
import { run } from './commands/run.ts'
import { status } from './commands/status.ts'
import { swarmInit } from './commands/swarm-init.ts'
import { swarmJoinToken } from './commands/swarm-join-token.ts'
import { swarmJoin } from './commands/swarm-join.ts'
import { swarmLeave } from './commands/swarm-leave.ts'
import { swarmUpdate } from './commands/swarm-update.ts'
import { version } from './commands/version.ts'

/** Commands that stand under a word of their own. */
export const GROUPS: readonly CommandGroup[] = [
  {
    name: 'network',
    summary: 'Manage networks',
    commands: [networkCreate, networkInspect, networkLs, networkPrune, networkRm],
  },
  {
    name: 'node',
    summary: 'Manage Swarm nodes',
    commands: [nodeDemote, nodeInspect, nodeLs, nodePromote, nodeRm, nodeUpdate],
  },
  {
    name: 'swarm',
    summary: 'Manage Swarm',
    commands: [swarmInit, swarmJoin, swarmJoinToken, swarmLeave, swarmUpdate],
  },
]

const OTHERS = [attach, attachments, detach, events, info, keys, peers, run, status, version]

/** Commands that stand by themselves. */
export const COMMANDS: readonly CommandSpec[] = [...OTHERS, completionOf(GROUPS, OTHERS)]
