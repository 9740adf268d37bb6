/** tinc 1.0: AES-256-CBC with HMAC-SHA-256, in C. */
import { copyFileSync, appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../commands.ts'
import type { Peer } from './peer.ts'

/** Its own choice: what is too long for the path it finds out and tells. */
const MTU_BYTES = 1500

/** A routed network of two, as it is after installation. */
export const tinc: Peer = {
  name: 'tinc',
  packages: ['tinc'],
  programs: ['tincd'],
  async start(place) {
    const directory = (name: string): string => join(place.directory, name)
    const card = (at: string, of: string): string => join(directory(at), 'hosts', of)
    for (const [{ address, device, name, underlay }, other] of place.sides) {
      mkdirSync(join(directory(name), 'hosts'), { recursive: true })
      const settings = [`Name = ${name}`, `Interface = ${device}`, `ConnectTo = ${other.name}`]
      writeFileSync(join(directory(name), 'tinc.conf'), `${settings.join('\n')}\n`)
      run(['tincd', '--config', directory(name), '--generate-keys=2048'])
      appendFileSync(card(name, name), `Subnet = ${address}/32\nAddress = ${underlay}\n`)
    }
    for (const [side, { name: other }] of place.sides) {
      const { name } = side
      copyFileSync(card(other, other), card(name, other))
      const pid = join(directory(name), 'pid')
      const words = ['--config', directory(name), '--no-detach', `--pidfile=${pid}`]
      place.daemon(side, ['tincd', ...words])
      await place.setAddress(side, MTU_BYTES)
    }
  },
}
