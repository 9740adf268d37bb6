/** The underlay's plan: every name and address by rule, and refusals of what cannot be built. */
import { cidrContains, type IpFamily } from '@weft/core'
import { describe, expect, it } from 'vitest'
import {
  LAB_HOSTS_MAX,
  planUnderlay,
  UNDERLAY_MTU_DEFAULT_BYTES,
  UNDERLAY_MTU_RANGE_BYTES,
} from '../src/underlay-plan.ts'

const FAMILIES: readonly IpFamily[] = [4, 6]

describe('planUnderlay', () => {
  it('is the classic pair of subnets for three hosts', () => {
    const plan = planUnderlay({ hosts: 3 })
    expect(plan.router).toBe('router')
    expect(plan.mtuBytes).toBe(UNDERLAY_MTU_DEFAULT_BYTES)
    expect(plan.hosts.map((host) => [host.name, host.addresses[4], host.addresses[6]])).toEqual([
      ['host-1', '172.31.1.11/24', 'fd00:172:31:1::11/64'],
      ['host-2', '192.168.1.12/24', 'fd00:192:168:1::12/64'],
      ['host-3', '172.31.1.13/24', 'fd00:172:31:1::13/64'],
    ])
    expect(plan.subnets.map((subnet) => subnet.gateways)).toEqual([
      { 4: '172.31.1.1', 6: 'fd00:172:31:1::1' },
      { 4: '192.168.1.1', 6: 'fd00:192:168:1::1' },
    ])
  })

  it('gives every host of the largest lab its own names and addresses, in its subnet', () => {
    const { hosts, subnets } = planUnderlay({ hosts: LAB_HOSTS_MAX })
    const facts = hosts.flatMap(({ ips, mac, name, port }) => [name, port, mac, ips[4], ips[6]])
    expect(new Set(facts).size).toBe(5 * LAB_HOSTS_MAX)
    for (const host of hosts) {
      for (const family of FAMILIES) {
        const subnet = subnets[host.subnet]
        const cidr = subnet?.prefixes[family]
        expect(cidr !== undefined && cidrContains(cidr, host.ips[family])).toBe(true)
        expect(host.ips[family]).not.toBe(subnet?.gateways[family])
      }
    }
  })

  it('puts all hosts of a flat layout in one subnet', () => {
    const { hosts, subnets } = planUnderlay({ hosts: 4, layout: 'flat' })
    expect(subnets).toHaveLength(1)
    expect(new Set(hosts.map((host) => host.subnet))).toEqual(new Set([0]))
  })

  it('puts the prefix before namespaces only', () => {
    const { router, hosts } = planUnderlay({ hosts: 1, prefix: 'x-' })
    const names = [router, hosts[0]?.namespace, hosts[0]?.name]
    expect(names).toEqual(['x-router', 'x-host-1', 'host-1'])
  })

  it('leaves IPv6 out where the MTU is below what IPv6 needs', () => {
    expect(planUnderlay({ hosts: 1, mtuBytes: 1279 }).families).toEqual([4])
    expect(planUnderlay({ hosts: 1, mtuBytes: 1280 }).families).toEqual([4, 6])
  })

  it.each([
    { hosts: -1 },
    { hosts: LAB_HOSTS_MAX + 1 },
    { hosts: 1.5 },
    { hosts: 1, mtuBytes: UNDERLAY_MTU_RANGE_BYTES.least - 1 },
    { hosts: 1, mtuBytes: UNDERLAY_MTU_RANGE_BYTES.most + 1 },
  ])('refuses $hosts hosts with MTU $mtuBytes', (options) => {
    const refused = expect.objectContaining({ code: 'ERR_LAB_REQUEST' })
    expect(() => planUnderlay(options)).toThrow(refused)
  })
})
