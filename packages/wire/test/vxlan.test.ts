import { vni, VNI_MAX } from '@weft/core'
import { describe, expect, it } from 'vitest'
import { groupPolicyOf, vxlan, VXLAN_FLAG, vxlanHeader, withGroupPolicy } from '../src/index.ts'
import { describeCodecLaws } from './codec-laws.ts'
import { hex } from './hex.ts'
import { vxlanSubject } from './vxlan-subject.ts'

describeCodecLaws(vxlanSubject)

describe('vxlan accessors', () => {
  const recorded = hex('0000 8800123400004d00')

  it('read single fields at an offset', () => {
    expect(vxlan.vni(recorded, 2)).toBe(77)
    expect(vxlan.flags(recorded, 2)).toBe(0x88)
    expect(vxlan.groupPolicyId(recorded, 2)).toBe(0x1234)
    expect(vxlan.groupPolicyId(hex('0800123400004d00'), 0)).toBe(-1)
  })

  it('carry the largest VNI', () => {
    const bytes = new Uint8Array(8)
    vxlan.write(bytes, 0, vxlanHeader(vni(VNI_MAX)))
    expect(bytes).toEqual(hex('08000000ffffff00'))
  })
})

describe('group policy', () => {
  const policy = { id: 0xabcd, dontLearn: true, applied: false }

  it('is what it was set to, and leaves the other flags alone', () => {
    const odd = { ...vxlanHeader(vni(5)), flags: VXLAN_FLAG.vni | 0x21 }
    const header = withGroupPolicy(odd, policy)
    expect(groupPolicyOf(header)).toEqual(policy)
    expect(header.flags).toBe(VXLAN_FLAG.vni | VXLAN_FLAG.groupPolicy | 0x21)
    expect(vxlan.describe(header)).toBe('vxlan vni 5 group 43981 flags 0x21')
  })

  it('is absent without its flag, whatever the reserved bits hold', () => {
    expect(groupPolicyOf({ ...vxlanHeader(vni(5)), reserved: 0xffffff })).toBe(null)
  })
})
