/** Nebula: AES-256-GCM with certificates, in Go. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../commands.ts'
import { PEER_PREFIX_BITS } from './peer-place.ts'
import type { Peer } from './peer.ts'

const PORT = 4242
/** 1500 less IP and UDP, its header of 16 and its tag of 16; its own choice is 1300. */
const MTU_BYTES = 1440

/** Both hosts have a certificate of one authority; neither is a lighthouse. */
export const nebula: Peer = {
  name: 'nebula',
  packages: ['nebula'],
  programs: ['nebula', 'nebula-cert'],
  async start(place) {
    const file = (name: string): string => join(place.directory, name)
    const authority = ['-out-crt', file('ca.crt'), '-out-key', file('ca.key')]
    run(['nebula-cert', 'ca', '-name', 'bench', ...authority])
    for (const [side, other] of place.sides) {
      const { address, device, name } = side
      const [certificate, key] = [file(`${name}.crt`), file(`${name}.key`)]
      const signer = ['-ca-crt', file('ca.crt'), '-ca-key', file('ca.key')]
      const about = ['-name', name, '-ip', `${address}/${PEER_PREFIX_BITS}`]
      const out = ['-out-crt', certificate, '-out-key', key]
      run(['nebula-cert', 'sign', ...signer, ...about, ...out])
      const anything = [{ port: 'any', proto: 'any', host: 'any' }]
      const settings = {
        pki: { ca: file('ca.crt'), cert: certificate, key },
        static_host_map: { [other.address]: [`${other.underlay}:${PORT}`] },
        lighthouse: { am_lighthouse: false, hosts: [] },
        listen: { host: '0.0.0.0', port: PORT },
        tun: { dev: device, mtu: MTU_BYTES },
        firewall: { outbound: anything, inbound: anything },
      }
      // JSON is YAML.
      writeFileSync(file(`${name}.yml`), JSON.stringify(settings))
      place.daemon(side, ['nebula', '-config', file(`${name}.yml`)])
    }
  },
}
