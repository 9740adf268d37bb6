/** What the kernel backend may fail in this lab for now, and why. */
import type { Waivers } from '@weft/dataplane/compliance'

/** Reasons a reader must accept. */
export const waivers: Waivers = {
  'forward/vlan-tag':
    'the lab is deaf, not the dataplane: AF_PACKET takes the tag off what a container hears, and ' +
    '@weft/linux does not put it back from PACKET_AUXDATA; tcpdump, which does, sees it arrive',
}
