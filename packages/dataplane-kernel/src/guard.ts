/**
 * What keeps an encrypted VNI dark: rules in the underlay's namespace that mark its datagrams for
 * the IPsec policies, and throw away every one that would leave, or came in, in the clear (P19;
 * CVE-2023-28840, -28841, -28842; docker-wire §5.6, which lacks the rule on leaving).
 */
import { vni, type Vni } from '@weft/core'
import { isKernelError, type Nftables, type RuleSpec, type TableSpec } from '@weft/linux'

/** Mark of datagrams that must be encrypted, and of the policies that do so (docker-wire §5.4). */
export const ENCRYPT_MARK = 0xd0_c4_e3

/** A VNI and a UDP port, as `VNI:PORT`: what one rule of each chain is about. */
export type GuardKey = string

/** The key of a VNI at a port. */
export function guardKey(id: Vni, port: number): GuardKey {
  return `${id}:${port}`
}

/** The VNI of a key, and the port. */
export function guardOf(key: GuardKey): { readonly vni: Vni; readonly port: number } {
  const [id, port] = key.split(':').map(Number)
  return { vni: vni(id ?? 0), port: port ?? 0 }
}

/** Mangle, where a changed mark has the route looked up again, and with it the policy. */
const MARK_PRIORITY = -150
/** Before anything an administrator accepts (CVE-2023-28840). */
const IN_PRIORITY = -300
/** Behind whatever else changes packets. */
const OUT_PRIORITY = 300

const CHAINS = ['mark', 'out', 'in'] as const

/** The table of an instance. */
export function guardTable(instance: string, keys: Iterable<GuardKey>): TableSpec {
  const guarded = [...keys]
  const rules = (chain: (typeof CHAINS)[number]): readonly RuleSpec[] =>
    guarded.map((key) => ruleOf(chain, key))
  const base = { policy: 'accept' } as const
  return {
    family: 'inet',
    name: `weft-${instance}`,
    chains: [
      {
        ...base,
        name: 'mark',
        hook: 'output',
        type: 'route',
        priority: MARK_PRIORITY,
        rules: rules('mark'),
      },
      { ...base, name: 'out', hook: 'postrouting', priority: OUT_PRIORITY, rules: rules('out') },
      { ...base, name: 'in', hook: 'input', priority: IN_PRIORITY, rules: rules('in') },
    ],
  }
}

function ruleOf(chain: (typeof CHAINS)[number], key: GuardKey): RuleSpec {
  const { port, vni: id } = guardOf(key)
  const datagram = [
    { on: 'udp-destination-port', port },
    { on: 'vxlan-vni', vni: id },
  ] as const
  const rule = { counter: true, comment: key }
  if (chain === 'mark') {
    return { ...rule, matches: datagram, setMark: ENCRYPT_MARK, verdict: 'continue' }
  }
  const clear =
    chain === 'out'
      ? ({ on: 'will-be-encrypted', is: false } as const)
      : ({ on: 'was-encrypted', is: false } as const)
  return { ...rule, matches: [...datagram, clear], verdict: 'drop' }
}

/** What is in place: keys that every chain has, and how many clear datagrams were thrown away. */
export interface GuardReading {
  readonly keys: ReadonlySet<GuardKey>
  readonly kept: { readonly in: number; readonly out: number }
}

/** Read the table of an instance; one that is not there guards nothing. Throws ERR_KERNEL. */
export function readGuard(nft: Nftables, instance: string): GuardReading {
  const found = new Map<GuardKey, Set<string>>()
  const kept = { in: 0, out: 0 }
  for (const { chain, comment, packets } of rulesOf(nft, instance)) {
    if (comment === null) continue
    const chains = found.get(comment) ?? new Set()
    found.set(comment, chains.add(chain))
    if (chain === 'in' || chain === 'out') kept[chain] += packets ?? 0
  }
  const whole = [...found].filter(([, chains]) => chains.size === CHAINS.length)
  return { keys: new Set(whole.map(([key]) => key)), kept }
}

function rulesOf(nft: Nftables, instance: string): ReturnType<Nftables['rules']> {
  try {
    return nft.rules(guardTable(instance, []))
  } catch (error) {
    if (isKernelError(error, 'ENOENT')) return []
    throw error
  }
}
