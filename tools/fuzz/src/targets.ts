/** The registry: add a decoder's target here and every kind of run covers it. */
import { canaries } from './canaries.ts'
import { encryptionTargets } from './encryption-targets.ts'
import { gossipTargets } from './gossip-targets.ts'
import { linuxTargets } from './linux-targets.ts'
import { netstackTargets } from './netstack-targets.ts'
import { sealedTargets } from './sealed-targets.ts'
import type { FuzzTarget } from './target.ts'
import { userspaceTargets } from './userspace-targets.ts'
import { wireTargets } from './wire-targets.ts'
import { xfrmTargets } from './xfrm-targets.ts'

/** Every decoder that reads bytes from outside. */
export const TARGETS: readonly FuzzTarget[] = [
  ...wireTargets,
  ...linuxTargets,
  ...xfrmTargets,
  ...gossipTargets,
  ...encryptionTargets,
  ...userspaceTargets,
  ...sealedTargets,
  ...netstackTargets,
]

/** Targets of this name, or of this group when it is the part before the slash. */
export function findTargets(name: string): readonly FuzzTarget[] {
  const all = [...TARGETS, ...canaries]
  return all.filter((target) => target.name === name || target.name.startsWith(`${name}/`))
}
