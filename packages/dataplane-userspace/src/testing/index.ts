/** Test kit of @weft/dataplane-userspace: damage behind a dataplane's back. */
export { damage, killSwitch, type SwitchDamage } from './damage.ts'
