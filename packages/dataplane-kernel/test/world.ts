/** Hosts made of namespaces with a kernel dataplane each, removed after each test. */
import { execFileSync } from 'node:child_process'
import { silentLogger } from '@weft/core'
import type { Dataplane } from '@weft/dataplane'
import { namespacePath } from '@weft/linux'
import { NamespaceWorld, type WorldHost } from '@weft/linux/testing'
import { nodeRuntime } from '@weft/runtime-node'
import { afterEach } from 'vitest'
import { kernelBackend, kernelOptions, namespaceName, type KernelOptions } from '../src/index.ts'

export {
  desired,
  failuresOf,
  local,
  network,
  nextDrift,
  remote,
  subnet,
} from '@weft/dataplane/testing'
export { openFds, reaches } from '@weft/linux/testing'

const world = new NamespaceWorld('dataplane-kernel')
afterEach(world.close)

export const { atEnd, scratch } = world

/** A host, and what opens a dataplane on it. */
export interface TestHost extends WorldHost {
  readonly options: KernelOptions
  /** Path of the namespace of a network of this host. */
  network(id: string): string
  open(): Promise<Dataplane>
}

/** Hosts 192.0.2.1, .2, … (and fd00:2::1, …) on one link of this MTU. */
export function hosts(count: number, mtuBytes = 1500): TestHost[] {
  return world.wiredHosts(count, mtuBytes).map((host) => {
    const options = kernelOptions({ instance: host.name, underlayNamespace: host.path })
    return {
      ...host,
      options,
      network: (id) => namespacePath({ name: namespaceName(host.name, id) }),
      async open() {
        const runtime = { ...nodeRuntime(), log: silentLogger }
        const dataplane = await kernelBackend.open(runtime, options)
        atEnd(() => dataplane.close('teardown'))
        return dataplane
      },
    }
  })
}

/** What a command prints inside a namespace. */
export function inside(path: string, command: string): string {
  const args = ['netns', 'exec', path.split('/').at(-1) ?? '', ...command.split(' ')]
  return execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}
