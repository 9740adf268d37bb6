/** Things of somebody else's, put where a dataplane would want its own. */
import { ipFamily, parseIp, vni, type SocketAddress } from '@weft/core'
import type { Foreign } from '@weft/dataplane/compliance'
import { Kernel, type Link, type LinkSpec } from '@weft/linux'
import { basename } from 'node:path'
import { labError } from './lab-errors.ts'
import type { LabHost } from './underlay.ts'

interface Planted {
  /** Path of the namespace it is in. */
  readonly path: string
  readonly link: Link
}

/** Where things are planted. */
export interface ForeignPlace {
  readonly host: LabHost
  readonly tunnel: SocketAddress
  /** False where a process has the tunnel's port: then a VXLAN device cannot be up beside it. */
  readonly isPortFree: boolean
}

/** What was planted on one host and in its containers. */
export class ForeignObjects {
  readonly #host: LabHost
  readonly #isPortFree: boolean
  readonly #tunnel: SocketAddress
  readonly #planted = new Map<string, Planted>()

  constructor({ host, isPortFree, tunnel }: ForeignPlace) {
    this.#host = host
    this.#isPortFree = isPortFree
    this.#tunnel = tunnel
  }

  /** Make the object. Throws ERR_KERNEL, or ERR_LAB_REQUEST for what cannot be. */
  plant(foreign: Foreign): void {
    const path = this.#pathOf(foreign)
    using kernel = Kernel.open(path)
    const index = kernel.links.create(this.#specOf(foreign))
    this.#planted.set(keyOf(foreign), { path, link: kernel.links.require(index) })
  }

  /** Whether it is still there and as it was. */
  intact(foreign: Foreign): boolean {
    const planted = this.#planted.get(keyOf(foreign))
    if (planted === undefined) return false
    using kernel = Kernel.open(planted.path)
    const now = kernel.links.get(planted.link.index)
    return now !== null && fingerprint(now) === fingerprint(planted.link)
  }

  /** Names of what was planted: as such on the host, `NAME in NAMESPACE` in containers. */
  names(): string[] {
    return [...this.#planted.values()].map(({ path, link }) =>
      path === this.#host.netns.path ? link.name : `${link.name} in ${basename(path)}`,
    )
  }

  #pathOf(foreign: Foreign): string {
    if (foreign.kind === 'vni') return this.#host.netns.path
    if (foreign.attachment.kind === 'netns') return foreign.attachment.path
    throw labError('ERR_LAB_REQUEST', 'nowhere to plant it', {
      problem: `an attachment of kind ${foreign.attachment.kind}`,
      expected: 'an attachment of kind netns',
    })
  }

  #specOf(foreign: Foreign): LinkSpec {
    if (foreign.kind === 'interface') {
      const { attachment } = foreign
      return { kind: 'bridge', name: attachment.kind === 'netns' ? attachment.ifname : '' }
    }
    const { ip, port } = this.#tunnel
    // The kernel compares family, port and VNI; a group of :: makes the device one of IPv6.
    const family = ipFamily(ip) === 6 ? { group: parseIp('::') } : {}
    const vxlan = { vni: vni(foreign.vni), port, learning: false, ...family }
    return { kind: 'vxlan', name: `theirs-${foreign.vni}`, vxlan, up: this.#isPortFree }
  }
}

function keyOf(foreign: Foreign): string {
  return JSON.stringify(foreign)
}

/** What must not change: counters and carrier may. */
function fingerprint({ alias, kind, mac, masterIndex, mtuBytes, name, up, vxlan }: Link): string {
  return JSON.stringify({ alias, kind, mac, masterIndex, mtuBytes, name, up, vxlan })
}
