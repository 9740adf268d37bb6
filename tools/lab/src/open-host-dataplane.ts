/** Opening a kernel dataplane through the public API, as any program that embeds it does. */
import type { Dataplane } from '@weft/dataplane'
import { kernelBackend, type KernelOptions } from '@weft/dataplane-kernel'
import { nodeRuntime } from '@weft/runtime-node'

/** Open the backend with a runtime of its own. Rejects with what the backend throws. */
export function openHostDataplane(options: KernelOptions): Promise<Dataplane> {
  return kernelBackend.open(nodeRuntime(), options)
}
