/** What a session message means to a node, part by part; each is complete (docker-wire §7.6). */
import { equalBytes, PORT_MAX, type Emitter } from '@weft/core'
import type { SessionMessage } from '@weft/swarm'
import type { AgentPorts } from './agent-options.ts'
import type { AgentParts } from './agent-parts.ts'
import type { AgentEvents } from './agent.ts'
import { hostOf } from './gossip/gossip-node.ts'
import { readSessionKeys, type SessionKey } from './gossip/session-keys.ts'

/** Take in what a manager says; what cannot be used is left as it was, and shown as a problem. */
export function hearManager(
  parts: AgentParts,
  message: SessionMessage,
  { ports, events }: { readonly ports: AgentPorts; readonly events: Emitter<AgentEvents> },
): void {
  const { state, sessions, ring, renewal, keeper } = parts
  state.isMember = true
  ring.managersAre(sessions.remotes.list().map(({ address }) => hostOf(address)))
  const problems = [hearPort(parts, message), hearKeys(parts, message, ports.clock.wall())]
  state.problem = problems.find((problem) => problem !== '') ?? ''
  if (state.problem !== '') {
    ports.log.warn('a manager sent what cannot be used', { reason: state.problem })
  }
  keeper.touch()
  renewal.hear(message)
  events.emit('changed', {})
}

/** Null of a node changes nothing; 0 is Docker's port. */
function hearPort({ state, programmer }: AgentParts, { node }: SessionMessage): string {
  const port = node?.vxlanUdpPort ?? state.vxlanPort
  if (port > PORT_MAX) return `${port} is no port for tunnels`
  if (port === state.vxlanPort) return ''
  state.vxlanPort = port
  programmer.touch()
  return ''
}

function hearKeys(
  { state, programmer, ring }: AgentParts,
  { networkBootstrapKeys }: SessionMessage,
  wall: number,
): string {
  const keys = readSessionKeys(networkBootstrapKeys, state.keys, wall)
  if (typeof keys === 'string') return `keys cannot be used: ${keys}`
  if (areSameKeys(keys, state.keys)) return ''
  state.keys = keys
  ring.keysAre(keys)
  programmer.touch()
  return ''
}

function areSameKeys(a: readonly SessionKey[], b: readonly SessionKey[]): boolean {
  if (a.length !== b.length) return false
  return a.every((key, i) => {
    const other = b[i]
    return other?.lamportTime === key.lamportTime && equalBytes(other.bytes, key.bytes)
  })
}
