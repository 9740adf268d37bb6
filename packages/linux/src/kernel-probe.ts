/** What this kernel lets this process do, found out by doing it in a throwaway namespace. */
import { readFileSync } from 'node:fs'
import { release } from 'node:os'
import { parseIp, vni } from '@weft/core'
import { errno } from './errno.ts'
import { isKernelError, kernelFault, type KernelFault } from './errors.ts'
import { Kernel } from './kernel.ts'
import type { LinkSpec } from './link-writer.ts'
import { inNewNamespace } from './namespaces.ts'
import { Nftables } from './nftables.ts'
import { Xfrm } from './xfrm.ts'

/** Things a kernel may lack or forbid. */
export type KernelAbility =
  | 'network-namespace'
  | 'bridge'
  | 'vxlan'
  | 'vxlan-over-ipv6'
  | 'veth'
  | 'dummy'
  | 'nftables'
  | 'esp'
  | 'user-namespace'

/** Null where it works; the kernel's refusal where it does not. */
export type KernelFacts = {
  readonly [ability in KernelAbility]: KernelFault | null
} & {
  /** Like `6.18.44`. */
  readonly release: string
}

/** Find out. Takes some milliseconds, never throws, leaves no trace. */
export function probeKernel(): KernelFacts {
  const inside = attempt(() => inNewNamespace(probeInside))
  const without = (fault: KernelFault): InsideFacts => ({
    bridge: fault,
    vxlan: fault,
    'vxlan-over-ipv6': fault,
    veth: fault,
    dummy: fault,
    nftables: fault,
    esp: fault,
  })
  return {
    release: release(),
    'network-namespace': inside.fault,
    ...(inside.fault === null ? inside.value : without(inside.fault)),
    'user-namespace': probeUserNamespace(),
  }
}

type InsideFacts = Pick<
  KernelFacts,
  Exclude<KernelAbility, 'network-namespace' | 'user-namespace'>
>

/** Nothing is deleted one by one, which would wait for the kernel: all goes with the namespace. */
function probeInside(): InsideFacts {
  using kernel = Kernel.open()
  const link = (spec: LinkSpec): KernelFault | null =>
    attempt(() => kernel.links.create(spec)).fault
  // The socket of a VXLAN is opened when the device comes up: only then a missing IPv6 shows.
  const vxlan = { port: 4789 }
  const vxlan6 = { ...vxlan, vni: vni(2), group: parseIp('::') }
  return {
    bridge: link({ kind: 'bridge', name: 'bridge', up: true }),
    vxlan: link({ kind: 'vxlan', name: 'vxlan', vxlan: { ...vxlan, vni: vni(1) }, up: true }),
    'vxlan-over-ipv6': link({ kind: 'vxlan', name: 'vxlan6', vxlan: vxlan6, up: true }),
    veth: link({ kind: 'veth', name: 'veth', peer: { name: 'peer' } }),
    dummy: link({ kind: 'dummy', name: 'dummy', up: true }),
    nftables: attempt(probeNftables).fault,
    esp: attempt(probeEsp).fault,
  }
}

function probeNftables(): void {
  using nft = Nftables.open()
  const chain = { name: 'c', hook: 'input', priority: 0, policy: 'accept' } as const
  const rule = { matches: [], counter: true, verdict: 'drop' } as const
  const chains = [{ ...chain, rules: [rule] }]
  nft.replaceTable({ family: 'inet', name: 'probe', chains })
}

/** The kernel's own, with AES-GCM: a key of zeros for a state that is gone with its namespace. */
function probeEsp(): void {
  using xfrm = Xfrm.open()
  const name = 'rfc4106(gcm(aes))'
  xfrm.putState('create', {
    source: parseIp('127.0.0.1'),
    destination: parseIp('127.0.0.2'),
    spi: 256,
    reqid: 0,
    aead: { name, key: new Uint8Array(20), icvBits: 64 },
    replayWindow: 0,
  })
}

type Attempted<Value> =
  | { readonly fault: null; readonly value: Value }
  | { readonly fault: KernelFault }

function attempt<Value>(step: () => Value): Attempted<Value> {
  try {
    return { fault: null, value: step() }
  } catch (error) {
    return { fault: faultOfError(error) }
  }
}

function faultOfError(error: unknown): KernelFault {
  if (!isKernelError(error)) throw error
  const { diagnostic, errno: name } = error.details
  return { errno: name, diagnostic }
}

/**
 * Whether a process without privileges could make one. Read, not tried: a process of several
 * threads cannot enter a user namespace, nor leave one.
 */
function probeUserNamespace(): KernelFault | null {
  const setting = (name: string): string | null => {
    try {
      return readFileSync(`/proc/sys/${name}`, 'utf8').trim()
    } catch {
      return null
    }
  }
  if (setting('user/max_user_namespaces') === null) return kernelFault(errno.EINVAL)
  if (setting('user/max_user_namespaces') === '0') return kernelFault(errno.ENOSPC)
  const forbidden =
    setting('kernel/unprivileged_userns_clone') === '0' ||
    setting('kernel/apparmor_restrict_unprivileged_userns') === '1'
  return forbidden ? kernelFault(errno.EPERM) : null
}
