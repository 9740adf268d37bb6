/** What the laws need to know about VXLAN; shared by the codec and its mutants. */
import { vni } from '@weft/core'
import { vxlan, VXLAN_FLAG, type VxlanHeader } from '../src/index.ts'
import { vxlanHeaders } from './arbitrary-headers.ts'
import type { CodecSubject } from './codec-laws.ts'

export const vxlanSubject: CodecSubject<VxlanHeader> = {
  codec: vxlan,
  headers: vxlanHeaders,
  samples: [
    {
      // vectors/vxlan-ipv4, frame 1
      hex: '0800000000100000',
      header: { flags: VXLAN_FLAG.vni, reserved: 0, vni: vni(4096), trailer: 0 },
    },
    {
      // vectors/vxlan-group-policy, frame 3
      hex: '8800123400004d00',
      header: { flags: 0x88, reserved: 0x1234, vni: vni(77), trailer: 0 },
    },
  ],
  refusals: [
    { hex: '0000000000100000', fault: 'bad-flags' },
    { hex: 'f700000000100000', fault: 'bad-flags' },
    { hex: '08000000001000', fault: 'short' },
  ],
}
