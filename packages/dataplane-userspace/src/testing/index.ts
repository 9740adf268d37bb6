/** Test kit of @weft/dataplane-userspace: damage behind a dataplane's back. */
export { damage, forgetKeys, killSwitch, type SwitchDamage } from './damage.ts'
export { ByteSum, type QuickSum } from '../engine/byte-sum.ts'
export { quickMemory } from '../quick-memory.ts'
