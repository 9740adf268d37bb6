/** Damage to what keeps a kernel dataplane's networks dark, done to the underlay's namespace. */
import type { SealingDamage } from '@weft/dataplane/compliance'
import { Nftables, Xfrm } from '@weft/linux'
import { labError } from './lab-errors.ts'

/** What the kernel dataplane gives its policies and states (docker-wire §5.4). */
const POLICY_MARK = 0xd0_c4_e3
const STATE_REQID = 13_681_891

/** Take it away as a whole. Throws ERR_KERNEL, or ERR_LAB_REQUEST where there is none. */
export function sabotageSealing(namespace: string, { kind }: SealingDamage): void {
  if (kind === 'delete-associations') {
    flushAssociations(namespace)
    return
  }
  using nft = Nftables.open(namespace)
  const tables = nft.tables()
  if (tables.length === 0) {
    const problem = 'no table of rules is there'
    const expected = 'damage to something that is programmed'
    throw labError('ERR_LAB_REQUEST', 'nothing to damage', { problem, expected })
  }
  for (const table of tables) nft.deleteTable(table)
}

/** Every state and policy under Docker's names, gone. Throws ERR_KERNEL. */
export function flushAssociations(namespace: string): void {
  using xfrm = Xfrm.open(namespace)
  xfrm.flushPolicies(POLICY_MARK)
  xfrm.flushStates(STATE_REQID)
}
