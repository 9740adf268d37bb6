/** Family apply: every class of bad input has its code and its item, and harms nothing else. */
import { type Ip, type Mac, type Vni } from '@weft/core'
import type { DesiredState, NetworkSpec, RemoteEndpoint, SubnetSpec } from '../../desired-state.ts'
import type { Check } from '../check.ts'
import { defineCase, type ComplianceCase } from '../compliance-case.ts'
import { GREEN, subnet, type SubnetText } from '../cluster.ts'
import { openPair } from './pair.ts'

/** Something wrong, and the failures it must lead to, as `item code`. */
interface Wrong {
  readonly what: string
  spoil(desired: DesiredState): DesiredState
  readonly failures: readonly string[]
}

const ip = (text: string): Ip => text as Ip
const mac = (text: string): Mac => text as Mac

function withNetwork(desired: DesiredState, id: string, network: NetworkSpec): DesiredState {
  return { ...desired, networks: new Map([...desired.networks, [id, network]]) }
}

function empty(subnets: readonly SubnetSpec[]): NetworkSpec {
  const none = { local: new Map(), remote: new Map() }
  return { encapsulation: 'vxlan', mtu: null, subnets, ...none }
}

/** A network beside the good one. */
function network(id: string, ...subnets: readonly SubnetText[]): Wrong['spoil'] {
  return (desired) => withNetwork(desired, id, empty(subnets.map(subnet)))
}

/** A subnet that the parsers would refuse, in a network beside the good one. */
function rawSubnet(vni: number, ...cidrs: readonly string[]): Wrong['spoil'] {
  const prefixes = cidrs.map((cidr) => ({ cidr: cidr as never, gateway: null }))
  const good = subnet(GREEN)
  return (desired) => withNetwork(desired, 'green', empty([good, { vni: vni as Vni, prefixes }]))
}

/** A remote endpoint beside the good ones. */
function remote(name: string, changes: Partial<RemoteEndpoint>): Wrong['spoil'] {
  return (desired) => {
    const blue = desired.networks.get('blue') ?? empty([])
    const base = { mac: mac('02:42:0a:00:01:63'), addresses: [ip('10.0.1.99')], node: 'b' }
    const spec = { ...base, ...changes }
    return withNetwork(desired, 'blue', {
      ...blue,
      remote: new Map([...blue.remote, [name, spec]]),
    })
  }
}

function peer(id: string, address: string, port = 4789): Wrong['spoil'] {
  const entry = [id, { tunnel: { ip: ip(address), port } }] as const
  return (desired) => ({ ...desired, peers: new Map([...desired.peers, entry]) })
}

const X = 'networks/blue/remote/x'
const INVALID = (item: string): readonly string[] => [`${item} ERR_INVALID_ITEM`]
const CONFLICT = (item: string): readonly string[] => [`${item} ERR_CONFLICT`]

const WRONGS: readonly Wrong[] = [
  { what: 'a name with a slash', spoil: remote('x/y', {}), failures: INVALID(`${X}/y`) },
  {
    what: 'a name that begins with a dot',
    spoil: remote('.x', {}),
    failures: INVALID('networks/blue/remote/.x'),
  },
  { what: 'an empty name', spoil: remote('', {}), failures: INVALID('networks/blue/remote/') },
  {
    what: 'a VNI of 0',
    spoil: rawSubnet(0, '10.7.0.0/24'),
    failures: INVALID('networks/green/subnets/0'),
  },
  {
    what: 'a VNI of 2^24',
    spoil: rawSubnet(0x100_0000, '10.7.0.0/24'),
    failures: INVALID('networks/green/subnets/16777216'),
  },
  {
    what: 'a VNI in use by another network',
    spoil: network('green', GREEN, [4097, ['10.7.0.0/24', null]]),
    failures: CONFLICT('networks/green/subnets/4097'),
  },
  {
    what: 'overlapping subnets',
    spoil: network('green', GREEN, [5000, ['10.0.0.0/16', null]]),
    failures: CONFLICT('networks/green/subnets/5000'),
  },
  {
    what: 'a gateway outside its prefix',
    spoil: network('green', GREEN, [5000, ['10.7.0.0/24', '10.8.0.1']]),
    failures: INVALID('networks/green/subnets/5000'),
  },
  {
    what: 'two prefixes of a family',
    spoil: network('green', GREEN, [5000, ['10.7.0.0/24', null], ['10.8.0.0/24', null]]),
    failures: INVALID('networks/green/subnets/5000'),
  },
  {
    what: 'a subnet without a prefix',
    spoil: rawSubnet(5000),
    failures: INVALID('networks/green/subnets/5000'),
  },
  {
    what: 'a prefix with host bits',
    spoil: rawSubnet(5000, '10.7.0.1/24'),
    failures: INVALID('networks/green/subnets/5000'),
  },
  {
    what: 'a network without subnets',
    spoil: network('green'),
    failures: INVALID('networks/green'),
  },
  { what: 'an MTU that is too small', spoil: tinyMtu, failures: INVALID('networks/green') },
  { what: 'an unknown node', spoil: remote('x', { node: 'nobody' }), failures: INVALID(X) },
  {
    what: 'a group MAC',
    spoil: remote('x', { mac: mac('01:00:5e:00:00:01') }),
    failures: INVALID(X),
  },
  {
    what: 'an all-zero MAC',
    spoil: remote('x', { mac: mac('00:00:00:00:00:00') }),
    failures: INVALID(X),
  },
  { what: 'no address', spoil: remote('x', { addresses: [] }), failures: INVALID(X) },
  {
    what: 'an address outside',
    spoil: remote('x', { addresses: [ip('10.9.9.9')] }),
    failures: INVALID(X),
  },
  {
    what: 'a multicast address',
    spoil: remote('x', { addresses: [ip('224.0.0.1')] }),
    failures: INVALID(X),
  },
  {
    what: 'the network address',
    spoil: remote('x', { addresses: [ip('10.0.1.0')] }),
    failures: INVALID(X),
  },
  {
    what: 'the broadcast address',
    spoil: remote('x', { addresses: [ip('10.0.1.255')] }),
    failures: INVALID(X),
  },
  {
    what: 'the gateway address',
    spoil: remote('x', { addresses: [ip('10.0.1.1')] }),
    failures: CONFLICT(X),
  },
  {
    what: 'the MAC of a local one',
    spoil: remote('x', { mac: mac('02:42:0a:00:01:02') }),
    failures: CONFLICT(X),
  },
  {
    what: 'the address of a local one',
    spoil: remote('a', { addresses: [ip('10.0.1.2')] }),
    failures: CONFLICT('networks/blue/remote/a'),
  },
  {
    what: 'the MAC of a remote one',
    spoil: remote('x', { mac: mac('02:42:0a:00:01:03') }),
    failures: CONFLICT(X),
  },
  {
    what: 'the address of a remote one',
    spoil: remote('x', { addresses: [ip('10.0.1.3')] }),
    failures: CONFLICT(X),
  },
  { what: 'a peer of another family', spoil: peer('p', 'fd00::9'), failures: INVALID('peers/p') },
  { what: 'a peer on port 0', spoil: peer('p', '172.31.9.9', 0), failures: INVALID('peers/p') },
  {
    what: 'a peer at a multicast address',
    spoil: peer('p', '224.0.0.9'),
    failures: INVALID('peers/p'),
  },
]

function tinyMtu(desired: DesiredState): DesiredState {
  return withNetwork(desired, 'green', { ...empty([subnet(GREEN)]), mtu: 575 })
}

/** One case per class of bad input would open a world each; one world shows them all. */
export const badInputCases: readonly ComplianceCase[] = [
  defineCase({
    name: 'apply/bad-input',
    promise: 'each class of bad input fails under its own item and code, and harms nothing else',
    async run(lab, check) {
      const { scene, traffic, a, c1, c2 } = await openPair(lab, check)
      for (const wrong of WRONGS) {
        const spoilt = wrong.spoil(scene.desired(a))
        const { failures } = await a.dataplane.apply(spoilt)
        checkFailures(check, wrong, failures)
        for (const { error } of failures) {
          check.ok('item' in error.details, `${wrong.what}: the error names the item`)
        }
      }
      await traffic.expectReaches(c1, c2)
      await scene.applied(a)
      await scene.expectObserved(a, scene.desired(a), 'observed when all is well again')
    },
  }),
]

function checkFailures(
  check: Check,
  wrong: Wrong,
  failures: readonly { item: string; error: { code: string } }[],
): void {
  const own = failures.filter(({ error }) => error.code !== 'ERR_DEPENDENCY')
  const found = own.map(({ item, error }) => `${item} ${error.code}`).sort()
  check.equal(found, wrong.failures, `failures for ${wrong.what}`)
}
