/** n2n 1.3: Twofish, in C. */
import type { Peer } from './peer.ts'

const PORT = 7654
const COMMUNITY = ['-c', 'bench', '-k', 'bench']

/** A supernode on one host; edges that hear of each other through it talk directly. */
export const n2n: Peer = {
  name: 'n2n',
  packages: ['n2n'],
  programs: ['edge', 'supernode'],
  async start(place) {
    place.daemon(place.a, ['supernode', '-l', String(PORT)])
    const supernode = ['-l', `${place.a.underlay}:${PORT}`]
    for (const [side] of place.sides) {
      const words = ['-d', side.device, '-a', side.address, ...COMMUNITY, ...supernode]
      place.daemon(side, ['edge', ...words])
    }
  },
}
