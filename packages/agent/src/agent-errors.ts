/** What can go wrong with what an agent wrote down. */
import { defineErrors } from '@weft/core'

/** Errors of the agent's own; all others are those of swarms, dataplanes and files. */
export type AgentErrors = {
  /** A file of before is damaged. It was left as it is: `remedy` says what to do. */
  ERR_STATE_CORRUPT: { readonly file: string; readonly problem: string; readonly remedy: string }
  /** A file of before was written by another version. */
  ERR_STATE_VERSION: { readonly file: string; readonly version: string; readonly expected: number }
  /** The agent was closed while this was under way. */
  ERR_AGENT_CLOSED: { readonly operation: string }
}

/** Makes errors of agents. */
export const agentError = defineErrors<AgentErrors>()
