/** The order of changes in the moves that matter, and what is not looked at. */
import {
  diff,
  order,
  validate,
  type AcceptedState,
  type Change,
  type DesiredState,
} from '../src/index.ts'
import { expect, test } from 'vitest'
import { ALL, FACTS, local, mac, remote, state, subnet, ip } from './states.ts'

const accepted = (desired: DesiredState): AcceptedState => {
  const { accepted, failures } = validate(desired, ALL, FACTS)
  expect(failures).toEqual([])
  return accepted
}

/** A change as a line: `+` adds, `-` removes, `~` replaces. */
function line(change: Change): string {
  const sign = change.from === null ? '+' : change.to === null ? '-' : '~'
  const key =
    change.kind === 'forwarding'
      ? ` ${change.mac}`
      : change.kind === 'neighbour'
        ? ` ${change.ip}`
        : ''
  return `${sign} ${change.kind}${key} for ${change.item}`
}

function plan(from: DesiredState, to: DesiredState): readonly string[] {
  return order(diff(accepted(from), accepted(to))).map(line)
}

const here = local('10.0.1.2', 2)

test('an endpoint that comes home is plugged in before its entries go', () => {
  const away = state({ blue: { remote: new Map([['web', remote('10.0.1.2', 2)]]) } })
  const home = state({ blue: { local: new Map([['web', here]]) } })
  expect(plan(away, home)).toEqual([
    '+ local for networks/blue/local/web',
    '- neighbour 10.0.1.2 for networks/blue/remote/web',
    `- forwarding ${mac(2)} for networks/blue/remote/web`,
  ])
  expect(plan(home, away)).toEqual([
    '- local for networks/blue/local/web',
    `+ forwarding ${mac(2)} for networks/blue/remote/web`,
    '+ neighbour 10.0.1.2 for networks/blue/remote/web',
  ])
})

test('an endpoint that moves between peers has its entry replaced in place', () => {
  const [from, to] = ['b', 'c'].map((node) =>
    state({ blue: { remote: new Map([['web', remote('10.0.1.2', 2, node)]]) } }),
  )
  expect(plan(from as DesiredState, to as DesiredState)).toEqual([
    `~ forwarding ${mac(2)} for networks/blue/remote/web`,
  ])
})

test('a face that passes to another name is not touched at all', () => {
  const [from, to] = ['web-1', 'web-2'].map((name) =>
    state({ blue: { remote: new Map([[name, remote('10.0.1.2', 2)]]) } }),
  )
  expect(plan(from as DesiredState, to as DesiredState)).toEqual([])
})

test('a peer that is reached elsewhere has the entries of its endpoints replaced', () => {
  const spec = {
    remote: new Map([
      ['x', remote('10.0.1.2', 2, 'b')],
      ['y', remote('10.0.1.3', 3, 'c')],
    ]),
  }
  const from = state({ blue: spec })
  const b = { tunnel: { ip: ip('172.31.1.99'), port: 4789 } }
  const to = { ...from, peers: new Map([...from.peers, ['b', b] as const]) }
  expect(plan(from, to)).toEqual([`~ forwarding ${mac(2)} for networks/blue/remote/x`])
})

test('a VNI passes from one network to another: the old tunnel goes first', () => {
  const other = subnet(5000, ['10.0.1.0/24', null])
  expect(plan(state({ blue: {} }), state({ blue: { subnets: [other] }, green: {} }))).toEqual([
    '- subnet for networks/blue/subnets/4097',
    '+ network for networks/green',
    '+ subnet for networks/blue/subnets/5000',
    '+ subnet for networks/green/subnets/4097',
  ])
})

test('another port makes the tunnel anew and plugs its endpoints in again', () => {
  const from = state({
    blue: { local: new Map([['a', here]]), remote: new Map([['x', remote('10.0.1.3', 3)]]) },
  })
  const to = { ...from, tunnel: { ...from.tunnel, port: 4790 } }
  expect(plan(from, to)).toEqual([
    '- subnet for networks/blue/subnets/4097',
    '+ subnet for networks/blue/subnets/4097',
    '~ local for networks/blue/local/a',
    `+ forwarding ${mac(3)} for networks/blue/remote/x`,
    '+ neighbour 10.0.1.3 for networks/blue/remote/x',
  ])
})

test('a network that is taken away is one change, whatever is in it', () => {
  const remotes = new Map([['x', remote('10.0.1.3', 3)]])
  const full = state({ blue: { local: new Map([['a', here]]), remote: remotes } })
  expect(plan(full, state({}))).toEqual(['- network for networks/blue'])
})

/** A map that may be compared by reference but not read. */
class Sealed<Key, Value> extends Map<Key, Value> {
  sealed = false

  override [Symbol.iterator](): MapIterator<[Key, Value]> {
    if (this.sealed) throw new Error('this map was to be passed over')
    return super[Symbol.iterator]()
  }
}

test('what is shared between generations is passed over by reference', () => {
  const shared = new Sealed([['x', remote('10.0.1.3', 3)]])
  const before = state({
    blue: { remote: shared, mtu: 1450 },
    green: { subnets: [subnet(5000, ['10.0.1.0/24', null])] },
  })
  const from = accepted(before)
  const network = from.networks.get('blue')
  if (network === undefined) throw new Error('the network is accepted')
  const grown = { ...network, local: new Map([['a', here]]) }
  shared.sealed = true
  const to = { ...from, networks: new Map([...from.networks, ['blue', grown] as const]) }
  expect(order(diff(from, to)).map(line)).toEqual(['+ local for networks/blue/local/a'])
})
