/** Hosts made of namespaces with a userspace dataplane each, removed after each test. */
import { silentLogger } from '@weft/core'
import type { Dataplane } from '@weft/dataplane'
import { NamespaceWorld, type WorldHost } from '@weft/linux/testing'
import { nodeRuntime } from '@weft/runtime-node'
import { afterEach } from 'vitest'
import {
  userspaceBackend,
  userspaceOptions,
  type GivenUserspaceOptions,
  type UserspaceOptions,
} from '../src/index.ts'

export { desired, failuresOf, local, network, remote, subnet } from '@weft/dataplane/testing'
export { openFds, reaches } from '@weft/linux/testing'

const world = new NamespaceWorld('dataplane-userspace')
afterEach(world.close)

export const { atEnd, scratch } = world

/** A host, and what opens a dataplane on it. */
export interface TestHost extends WorldHost {
  readonly options: UserspaceOptions
  open(): Promise<Dataplane>
}

/** Hosts 192.0.2.1, .2, … (and fd00:2::1, …) on one link of this MTU. */
export function hosts(
  count: number,
  mtuBytes = 1500,
  given: Omit<GivenUserspaceOptions, 'instance'> = {},
): TestHost[] {
  return world.wiredHosts(count, mtuBytes).map((host) => {
    const place = { instance: host.name, underlayNamespace: host.path }
    const options = userspaceOptions({ ...given, ...place })
    return {
      ...host,
      options,
      async open() {
        const runtime = { ...nodeRuntime(), log: silentLogger }
        const dataplane = await userspaceBackend.open(runtime, options)
        atEnd(() => dataplane.close('teardown'))
        return dataplane
      },
    }
  })
}
