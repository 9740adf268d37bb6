/** Settings of a swarm: `swarm init` and `swarm update` take the same ones. */
import type { SwarmSpecJson } from '@weft/engine-api/client'
import type { Options, OptionSpec } from '../option.ts'
import { durationOf } from './durations.ts'

/** The options as they are declared. */
export const SETTINGS_OPTIONS: readonly OptionSpec[] = [
  {
    name: 'cert-expiry',
    value: 'duration',
    about: 'Validity period for node certificates (ns|us|ms|s|m|h) (default 2160h0m0s)',
  },
  {
    name: 'dispatcher-heartbeat',
    value: 'duration',
    about: 'Dispatcher heartbeat period (ns|us|ms|s|m|h) (default 5s)',
  },
]

/** What was given of them. */
export function settingsOf(options: Options): { readonly spec: Partial<SwarmSpecJson> } {
  const expiry = durationOf(options, 'cert-expiry')
  const heartbeat = durationOf(options, 'dispatcher-heartbeat')
  return {
    spec: {
      ...(expiry === null ? {} : { CAConfig: { NodeCertExpiry: expiry } }),
      ...(heartbeat === null ? {} : { Dispatcher: { HeartbeatPeriod: heartbeat } }),
    },
  }
}
