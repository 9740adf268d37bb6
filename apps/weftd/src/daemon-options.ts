/** What a daemon is told: by flags, by a file, or not at all. */
import type { LogLevel } from '@weft/core'

/** Complete: flags win over the file, the file over what is usual. */
export interface DaemonOptions {
  /** Directory of everything that must survive a restart. */
  readonly state: string
  /** Path of the socket of the Engine API. */
  readonly socket: string
  /** Who may use the socket besides root; null: `weft`, or `docker`, whichever group exists. */
  readonly group: string | null
  readonly dataplane: (typeof DATAPLANES)[number]
  /** Stands in the names of kernel objects: different for daemons that share `/run/netns`. */
  readonly instance: string
  readonly logLevel: LogLevel
  readonly logFormat: (typeof LOG_FORMATS)[number]
  readonly gossipProfile: (typeof GOSSIP_PROFILES)[number]
  /** For `swarm init` and `swarm join` that name none: an address or an interface. */
  readonly defaultAdvertiseAddr: string | null
  /** `name=value` each. */
  readonly label: readonly string[]
  /** Intervals of agent and manager by name, in ms; in the file only. */
  readonly tunables: Readonly<Record<string, number>>
}

/** Ways to forward packets. */
export const DATAPLANES = ['kernel', 'userspace', 'sim'] as const
/** Sets of gossip's intervals. */
export const GOSSIP_PROFILES = ['lan', 'wan', 'docker'] as const
/** How log lines look. */
export const LOG_FORMATS = ['text', 'json'] as const
/** From most to fewest lines. */
export const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

/** Where the file is looked for when no flag names one. */
export const CONFIG_PATH = '/etc/weft/weftd.json'

/** What holds when nobody says otherwise. */
export const USUAL_OPTIONS: DaemonOptions = {
  state: '/var/lib/weft',
  socket: '/run/weft/weft.sock',
  group: null,
  dataplane: 'kernel',
  instance: 'weftd',
  logLevel: 'info',
  logFormat: 'text',
  gossipProfile: 'lan',
  defaultAdvertiseAddr: null,
  label: [],
  tunables: {},
}
