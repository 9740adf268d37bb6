/** Planted bugs: simulated dataplanes that break one promise each. */
import type { Runtime } from '@weft/core'
import type { ApplyReport, Dataplane, DesiredState, ObservedState } from '@weft/dataplane'
import { expectedItems } from '@weft/dataplane'
import {
  forwardingRules,
  simBackend,
  wipe,
  type ForwardingRules,
  type Plug,
  type SimOptions,
} from '../src/index.ts'
import type { SimLabVariant } from '../src/lab/index.ts'

/** A way to lie, and the case that must notice. */
export interface Lie {
  readonly name: string
  readonly caughtBy: string
  readonly variant: SimLabVariant
}

function rules(changes: Partial<ForwardingRules>): SimLabVariant {
  return { rules: { ...forwardingRules, ...changes } }
}

/** The backend's own dataplane with some verbs replaced. */
function verbs(
  change: (honest: Dataplane, options: SimOptions, runtime: Runtime) => Partial<Dataplane>,
): SimLabVariant {
  return {
    open: async (runtime, options) => {
      const honest = await simBackend.open(runtime, options)
      const whole: Dataplane = {
        backend: honest.backend,
        capabilities: honest.capabilities,
        events: honest.events,
        apply: (desired) => honest.apply(desired),
        observe: () => honest.observe(),
        counters: () => honest.counters(),
        close: (mode) => honest.close(mode),
        [Symbol.asyncDispose]: async () => honest[Symbol.asyncDispose](),
      }
      return { ...whole, ...change(honest, options, runtime) }
    },
  }
}

/** Changes what an apply is told, or what it answers. */
function applying(
  told: (desired: DesiredState, before: DesiredState | null) => DesiredState,
  answered: (report: ApplyReport) => ApplyReport = (report) => report,
): SimLabVariant {
  return verbs((honest) => {
    let before: DesiredState | null = null
    return {
      apply: async (desired) => {
        const changed = told(desired, before)
        before = changed
        return answered(await honest.apply(changed))
      },
    }
  })
}

function withNetworks(
  desired: DesiredState,
  edit: (
    network: DesiredState['networks'] extends ReadonlyMap<string, infer N> ? N : never,
    id: string,
  ) => typeof network,
): DesiredState {
  const networks = new Map([...desired.networks].map(([id, n]) => [id, edit(n, id)] as const))
  return { ...desired, networks }
}

/** Broadcasts go to every endpoint that ever sent anything, whatever its network. */
function leakingBroadcasts(): ForwardingRules['fromEndpoint'] {
  const seen = new Set<Plug>()
  return (passage, sender) => {
    seen.add(sender)
    const isGroup = ((passage.frame[0] ?? 0) & 1) === 1
    if (!isGroup) return forwardingRules.fromEndpoint(passage, sender)
    return { kind: 'deliver', to: [...seen].filter((plug) => plug !== sender) }
  }
}

const forwardingLies: readonly Lie[] = [
  {
    name: 'floods unknown unicast to a peer',
    caughtBy: 'forward/unknown-unicast',
    variant: rules({
      fromEndpoint: (passage, sender) => {
        const honest = forwardingRules.fromEndpoint(passage, sender)
        const [peer] = passage.subnet.forwarding.values()
        const unknown = honest.kind === 'drop' && honest.reason === 'frame-unknown-destination'
        return unknown && peer !== undefined ? { kind: 'tunnel', to: peer } : honest
      },
    }),
  },
  {
    name: 'delivers unicast to every endpoint of the node',
    caughtBy: 'forward/unicast-is-private',
    variant: rules({
      fromTunnel: (passage) => {
        const honest = forwardingRules.fromTunnel(passage)
        return honest.kind === 'deliver' ? { ...honest, to: [...passage.plugs.values()] } : honest
      },
    }),
  },
  {
    name: 'sends frames for a third node on',
    caughtBy: 'forward/no-hairpin',
    variant: rules({
      fromTunnel: (passage) => {
        const honest = forwardingRules.fromTunnel(passage)
        const target = [...passage.subnet.forwarding].find(([mac]) =>
          mac.split(':').every((pair, i) => parseInt(pair, 16) === passage.frame[i]),
        )
        return honest.kind === 'drop' && target !== undefined
          ? { kind: 'tunnel', to: target[1] }
          : honest
      },
    }),
  },
  {
    name: 'ignores the MTU',
    caughtBy: 'forward/mtu-edge',
    variant: rules({
      fromEndpoint: (passage, sender) =>
        forwardingRules.fromEndpoint({ ...passage, mtuBytes: 1_000_000 }, sender),
    }),
  },
  {
    name: 'sends broadcasts to a peer and not to the neighbours',
    caughtBy: 'forward/broadcast',
    variant: rules({
      fromEndpoint: (passage, sender) => {
        const [peer] = passage.subnet.forwarding.values()
        const isGroup = ((passage.frame[0] ?? 0) & 1) === 1
        if (isGroup && peer !== undefined) return { kind: 'tunnel', to: peer }
        return forwardingRules.fromEndpoint(passage, sender)
      },
    }),
  },
  {
    name: 'leaks broadcasts between networks',
    caughtBy: 'forward/isolation',
    variant: rules({ fromEndpoint: leakingBroadcasts() }),
  },
  {
    name: 'does not answer ARP',
    caughtBy: 'neighbour/arp',
    variant: rules({
      fromEndpoint: (passage, sender) => {
        const honest = forwardingRules.fromEndpoint(passage, sender)
        return honest.kind === 'answer' ? { kind: 'drop', reason: 'frame-malformed' } : honest
      },
    }),
  },
  {
    name: 'delivers frames twice',
    caughtBy: 'forward/unicast',
    variant: rules({
      fromTunnel: (passage) => {
        const honest = forwardingRules.fromTunnel(passage)
        return honest.kind === 'deliver' ? { ...honest, to: [...honest.to, ...honest.to] } : honest
      },
    }),
  },
]

const applyLies: readonly Lie[] = [
  {
    name: 'mixes networks up: everything has one VNI',
    caughtBy: 'apply/change-vni',
    variant: applying((desired) =>
      withNetworks(desired, (network) => ({
        ...network,
        subnets: network.subnets.map((s) => ({ ...s, vni: 4097 as typeof s.vni })),
      })),
    ),
  },
  {
    name: 'forgets to remove networks',
    caughtBy: 'apply/remove',
    variant: applying((desired, before) => {
      const networks = new Map([...(before?.networks ?? []), ...desired.networks])
      return { ...desired, networks }
    }),
  },
  {
    name: 'forgets to remove remote endpoints',
    caughtBy: 'apply/change-address',
    variant: applying((desired, before) =>
      withNetworks(desired, (network, id) => {
        const old = [...(before?.networks.get(id)?.remote ?? [])]
        const ghosts = old.map(([name, spec]) => [`${name}-ghost`, spec] as const)
        const macs = new Set(
          [...network.remote.values(), ...network.local.values()].map((e) => e.mac),
        )
        const kept = ghosts.filter(([, { mac }]) => !macs.has(mac)).slice(0, 1)
        const fresh = kept.map(
          ([name, s]) => [name, { ...s, addresses: ['10.0.1.250' as never] }] as const,
        )
        return { ...network, remote: new Map([...network.remote, ...fresh]) }
      }),
    ),
  },
  {
    name: 'reports success where items failed',
    caughtBy: 'apply/bad-input',
    variant: applying(
      (desired) => desired,
      (report) => ({ ...report, failures: [] }),
    ),
  },
  {
    name: 'claims that a second apply changed something',
    caughtBy: 'apply/again-is-free',
    variant: applying(
      (desired) => desired,
      (report) => ({ ...report, changed: report.changed + 1 }),
    ),
  },
  {
    name: 'applies stale generations',
    caughtBy: 'apply/stale',
    variant: verbs((honest) => {
      let generation = 0
      return { apply: (desired) => honest.apply({ ...desired, generation: ++generation + 1e6 }) }
    }),
  },
  {
    name: 'counts drift that never was',
    caughtBy: 'repair/quiet-without-damage',
    variant: verbs((honest) => ({
      counters: async () => ({ ...(await honest.counters()), drift: 1 }),
    })),
  },
  {
    name: 'reads nothing back but the last desired state',
    caughtBy: 'apply/superseded',
    variant: verbs((honest) => {
      let last: DesiredState | null = null
      return {
        apply: (desired) => {
          last ??= desired
          return honest.apply(desired)
        },
        observe: async (): Promise<ObservedState> => {
          const items = last === null ? new Map() : expectedItems(last, () => 1450)
          return { generation: last?.generation ?? 0, items, foreign: [] }
        },
      }
    }),
  },
]

const lifeLies: readonly Lie[] = [
  {
    name: 'leaves everything behind at teardown',
    caughtBy: 'close/teardown',
    variant: verbs((honest) => ({ close: () => honest.close('detach') })),
  },
  {
    name: 'leaks at teardown what no case looks at',
    caughtBy: 'apply/observed',
    variant: verbs((honest) => ({ close: () => honest.close('detach') })),
  },
  {
    name: 'never looks for drift',
    caughtBy: 'repair/delete-forwarding',
    variant: { auditIntervalMs: 1e9 },
  },
  {
    name: 'repairs without saying so',
    caughtBy: 'repair/delete-neighbour',
    variant: verbs(() => ({ events: { on: () => ({ [Symbol.dispose]: () => undefined }) } })),
  },
  {
    name: 'wipes the machine when it opens',
    caughtBy: 'adopt/unchanged',
    variant: {
      open: async (runtime, options) => {
        await wipe(options.machine)
        return simBackend.open(runtime, options)
      },
    },
  },
  {
    name: 'answers after it was closed',
    caughtBy: 'close/closed',
    variant: verbs((honest) => ({
      observe: () =>
        honest.observe().catch(() => ({ generation: 0, items: new Map(), foreign: [] })),
    })),
  },
  {
    name: 'counts datagrams that it never received',
    caughtBy: 'forward/unicast',
    variant: verbs((honest) => ({
      counters: async () => {
        const counters = await honest.counters()
        return { ...counters, received: counters.received + 1 }
      },
    })),
  },
]

/** All planted bugs. */
export const lies: readonly Lie[] = [...forwardingLies, ...applyLies, ...lifeLies]
