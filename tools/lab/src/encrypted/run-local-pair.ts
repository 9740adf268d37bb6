/** Two encrypted hosts on one kernel, with a cable between them. */
import type { EspOptions } from '@weft/dataplane-userspace'
import type { HostBackend } from '../host-dataplane.ts'
import { localEncryptedHost, PAIR_IFNAME } from './local-encrypted-host.ts'
import { runEncryptedPair, type PairPace } from './run-encrypted-pair.ts'

/** Run a pair on this kernel: resolves to what held, rejects with what did not. */
export async function runLocalPair(
  backends: readonly [HostBackend, HostBackend],
  pace: PairPace,
  path: EspOptions['path'] = 'ip',
): Promise<readonly string[]> {
  const label = `pair-${process.pid}`
  const one = localEncryptedHost({ number: 1, backend: backends[0], path }, label)
  const two = localEncryptedHost({ number: 2, backend: backends[1], path }, label)
  try {
    const peer = { name: PAIR_IFNAME, namespaceFd: two.underlay.kernel.namespace.fd }
    one.underlay.kernel.links.create({ kind: 'veth', name: PAIR_IFNAME, peer })
    for (const host of [one, two]) host.connect()
    const ends = [
      { host: one, backend: backends[0] },
      { host: two, backend: backends[1] },
    ] as const
    const held: string[] = []
    await runEncryptedPair(ends, pace, (what) => held.push(what))
    return held
  } finally {
    for (const host of [one, two]) await host.dispose()
  }
}
