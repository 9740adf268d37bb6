/** WireGuard in userspace: ChaCha20-Poly1305, in Go. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../commands.ts'
import type { Peer } from './peer.ts'

const PORT = 51_820
/** As its own tools choose below an MTU of 1500. */
const MTU_BYTES = 1420

/** Each host knows the other's key, address and place. */
export const wireguardGo: Peer = {
  name: 'wireguard-go',
  packages: ['wireguard-go', 'wireguard-tools'],
  programs: ['wireguard-go', 'wg'],
  async start(place) {
    const keys = { a: run(['wg', 'genkey']), b: run(['wg', 'genkey']) }
    for (const [side, other] of place.sides) {
      const { device } = side
      place.daemon(side, ['wireguard-go', '--foreground', device])
      await place.setAddress(side, MTU_BYTES)
      const peer = run(['wg', 'pubkey'], keys[other.name]).trim()
      const key = join(place.directory, side.name)
      writeFileSync(key, keys[side.name], { mode: 0o600 })
      const ours = ['private-key', key, 'listen-port', String(PORT)]
      const theirs = ['allowed-ips', `${other.address}/32`, 'endpoint', `${other.underlay}:${PORT}`]
      run(['wg', 'set', device, ...ours, 'peer', peer, ...theirs])
    }
  },
}
