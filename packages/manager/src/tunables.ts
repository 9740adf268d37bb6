/** Intervals of the control plane that tests and impatient operators may change. */

/** Durations in milliseconds. */
export interface ManagerTunables {
  /** Gossip and IPsec keys are replaced so often (docker-wire §5.1). */
  readonly keyRotationMs: number
  /** A node that is down this long loses its attachments and their addresses (§7.6). */
  readonly orphanMs: number
  /** Periods without a heartbeat until a node is down (§7.6). */
  readonly heartbeatGracePeriods: number
  /** The same for nodes that this manager has not heard of since it started (§7.6). */
  readonly recoveryGracePeriods: number
  /** Each answer to a heartbeat asks for the next one this much sooner or later (§7.6). */
  readonly heartbeatJitterMs: number
  /** Registrations of one node in `registrationWindowMs`, before they are refused (§7.6). */
  readonly registrationsMax: number
  readonly registrationWindowMs: number
}

/** Docker's. */
export const DOCKER_TUNABLES: ManagerTunables = {
  keyRotationMs: 12 * 3_600_000,
  orphanMs: 24 * 3_600_000,
  heartbeatGracePeriods: 3,
  recoveryGracePeriods: 6,
  heartbeatJitterMs: 500,
  registrationsMax: 3,
  registrationWindowMs: 8_000,
}
