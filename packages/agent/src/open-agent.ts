/** Opens an agent: what was written down is in force again before anybody is asked. */
import { Emitter } from '@weft/core'
import type { AgentOptions, AgentPorts } from './agent-options.ts'
import { createParts, type Restored } from './agent-parts.ts'
import type { Agent, AgentEvents } from './agent.ts'
import { AgentReader } from './agent-reader.ts'
import type { Attachment } from './attachments/attachment.ts'
import { NodeLife } from './node-life.ts'
import { JsonFields } from './snapshot/json-fields.ts'
import { STATE_FILES } from './snapshot/keeper.ts'
import { readNodeSnapshot, type NodeSnapshot } from './snapshot/node-snapshot.ts'
import { NO_PEERS, readPeersSnapshot } from './snapshot/peers-snapshot.ts'
import { readState, type StateFile } from './snapshot/state-file.ts'

const NOTHING: NodeSnapshot = {
  ringName: '',
  ringAddress: '',
  vxlanPort: 0,
  managers: [],
  keys: [],
  attachments: [],
  releases: [],
}

/**
 * Resolves when the state of before, if there is one, is programmed again; sessions and gossip
 * begin by themselves. Throws ERR_STATE_CORRUPT, ERR_STATE_VERSION, ERR_ADDRESS_IN_USE,
 * ERR_ADDRESS_NOT_LOCAL, ERR_UNTRUSTED, FilesErrors; forwarding stays as it was then.
 */
export async function openAgent(options: AgentOptions, ports: AgentPorts): Promise<Agent> {
  const events = new Emitter<AgentEvents>()
  const restored = await restoredState(ports)
  const parts = await createParts(options, ports, { restored, events })
  const life = new NodeLife(parts, ports)
  try {
    await life.start()
  } catch (error) {
    await life.close('detach')
    throw error
  }
  return agentOf(life, new AgentReader(parts, ports.dataplane.backend), events)
}

function agentOf(life: NodeLife, reader: AgentReader, events: Agent['events']): Agent {
  return {
    events,
    view: () => reader.view(),
    identity: () => reader.identity(),
    attachments: () => reader.attachments(),
    networks: () => reader.networks(),
    peers: () => reader.peers(),
    keys: () => reader.keys(),
    failedItems: () => reader.failedItems(),
    attach: (request, options) => life.attach(request, options),
    detach: (id, options) => life.detach(id, options),
    update: (changes) => life.update(changes),
    leave: (options) => life.leave(options),
    close: (mode) => life.close(mode),
    [Symbol.asyncDispose]: () => life.close('detach'),
  }
}

async function restoredState(ports: AgentPorts): Promise<Restored> {
  const { files, certificates } = ports
  const at = (name: string): StateFile => {
    return { files, name, sha256: (bytes) => certificates.sha256(bytes) }
  }
  const node = await readState(at(STATE_FILES.node), (json) =>
    readNodeSnapshot(new JsonFields(json, 'node')),
  )
  const peers = await readState(at(STATE_FILES.peers), (json) =>
    readPeersSnapshot(new JsonFields(json, 'peers')),
  )
  const own = node === null ? NOTHING : await withoutStrangers(node, ports)
  return { node: own, peers: peers ?? NO_PEERS }
}

/**
 * Without attachments of processes that have ended meanwhile, and whose numbers are others' now:
 * those must not be plugged into what they never asked for. Managers hear of it.
 */
async function withoutStrangers(
  node: NodeSnapshot,
  { holderOf, log }: AgentPorts,
): Promise<NodeSnapshot> {
  const releases = [...node.releases]
  const attachments: Attachment[] = []
  for (const attachment of node.attachments) {
    const { grant, holder, request } = attachment
    const path = request.target.kind === 'netns' ? request.target.path : ''
    const now = holder === null ? null : await holderOf(path)
    if (now === null || now.process === holder?.process) {
      // One that is gone is found by the dataplane, which looks twice.
      attachments.push(attachment)
      continue
    }
    log.info('process of an attachment has ended, its number is another’s', { path })
    if (grant !== null) releases.push(grant.taskId)
  }
  return { ...node, attachments, releases }
}
