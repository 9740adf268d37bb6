/** Names of single capabilities, as errors and compliance cases give them. */
import type { IpFamily } from '@weft/core'
import type { Capabilities } from './dataplane.ts'
import type { Attachment, Encapsulation } from './desired-state.ts'

/** Text that stands for one capability: `details.capability` of ERR_UNSUPPORTED. */
export const capabilityName = {
  encapsulation: (name: Encapsulation): string => `encapsulation:${name}`,
  underlayFamily: (family: IpFamily): string => `underlay-family:${family}`,
  overlayFamily: (family: IpFamily): string => `overlay-family:${family}`,
  attachment: (kind: Attachment['kind']): string => `attachment:${kind}`,
  persistent: 'persistent',
  replayWindow: 'replay-window',
} as const

/** The names of all that a backend can do. */
export function capabilityNames(capabilities: Capabilities): ReadonlySet<string> {
  return new Set([
    ...[...capabilities.encapsulations].map(capabilityName.encapsulation),
    ...[...capabilities.underlayFamilies].map(capabilityName.underlayFamily),
    ...[...capabilities.overlayFamilies].map(capabilityName.overlayFamily),
    ...[...capabilities.attachments].map(capabilityName.attachment),
    ...(capabilities.persistent ? [capabilityName.persistent] : []),
    ...(capabilities.replayWindow === true ? [capabilityName.replayWindow] : []),
  ])
}
