/** One node: a manager's assignments and the gossip of peers, as what its dataplane should be. */
export type { Agent, AgentEvents, AgentView } from './agent.ts'
export {
  defaultTunables,
  type AgentOptions,
  type AgentPorts,
  type AgentTunables,
  type NodeAddresses,
  type NodeFacts,
} from './agent-options.ts'
export {
  requestIdentity,
  type GrantedIdentity,
  type IdentityPorts,
  type IdentityRequest,
} from './identity/request-identity.ts'
export type { NamespaceHolder } from './attachments/attachment.ts'
export { openAgent } from './open-agent.ts'
