/** Opening a host's dataplane through the public API, as any program that embeds it does. */
import type { Dataplane, ProbeResult } from '@weft/dataplane'
import { kernelBackend, kernelOptions, type KernelOptions } from '@weft/dataplane-kernel'
import {
  userspaceBackend,
  userspaceOptions,
  type EspOptions,
  type UserspaceOptions,
} from '@weft/dataplane-userspace'
import { nodeRuntime } from '@weft/runtime-node'

/** Which backend, and what it is told: plain data, which goes to another process. */
export type HostDataplane =
  | { readonly backend: 'kernel'; readonly options: KernelOptions }
  | { readonly backend: 'userspace'; readonly options: UserspaceOptions }

/** Name of a backend that a lab's host can have. */
export type HostBackend = HostDataplane['backend']

/** Where a host's dataplane is, and how it seals where that is its choice. */
export interface HostPlace {
  readonly instance: string
  readonly underlayNamespace: string | null
  /** Of the userspace backend; Docker's where left out, as the kernel's is. */
  readonly esp?: Partial<EspOptions>
}

/** A host's dataplane to be, with the usual options. */
export function hostDataplane(backend: HostBackend, place: HostPlace): HostDataplane {
  const { esp = {}, ...where } = place
  return backend === 'kernel'
    ? { backend, options: kernelOptions(where) }
    : { backend, options: userspaceOptions({ ...where, esp }) }
}

/** Open the backend with a runtime of its own. Rejects with what the backend throws. */
export function openHostDataplane({ backend, options }: HostDataplane): Promise<Dataplane> {
  const runtime = nodeRuntime()
  return backend === 'kernel'
    ? kernelBackend.open(runtime, options)
    : userspaceBackend.open(runtime, options)
}

/** What a backend can do on this machine. Leaves no trace. */
export function probeHostDataplane({ backend, options }: HostDataplane): Promise<ProbeResult> {
  return backend === 'kernel' ? kernelBackend.probe(options) : userspaceBackend.probe(options)
}
