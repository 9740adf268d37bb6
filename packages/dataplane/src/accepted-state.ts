/** A desired state after validation: only what can be programmed, with nothing left to decide. */
import type { DesiredState, NetworkId, NetworkSpec } from './desired-state.ts'

/** A network whose MTU is settled and whose items are all well-formed and supported. */
export interface AcceptedNetwork extends NetworkSpec {
  /** Bytes of the largest packet inside. */
  readonly mtu: number
}

/**
 * What a backend programs. Made by a Validator, which keeps the objects of the desired state
 * wherever it had nothing to leave out, so that structural sharing survives.
 */
export interface AcceptedState extends DesiredState {
  readonly networks: ReadonlyMap<NetworkId, AcceptedNetwork>
}
