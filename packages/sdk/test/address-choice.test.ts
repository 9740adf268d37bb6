/** Which addresses a node uses, and how Docker says that it cannot know. */
import { parseIp } from '@weft/core'
import { describe, expect, test } from 'vitest'
import {
  managerAddress,
  onlyAddress,
  readAddresses,
  type AddressRequest,
} from '../src/address-choice.ts'
import type { InterfaceIp } from '../src/machine.ts'

const at = (ifname: string, ip: string, isHostOnly = false): InterfaceIp => ({
  ifname,
  ip: parseIp(ip),
  isHostOnly,
})
const LO = at('lo', '127.0.0.1', true)
const ETH0 = at('eth0', '10.0.0.1')
const ETH1 = at('eth1', '10.1.0.1')
const SIX = at('eth0', 'fd00::1')
const LINK_LOCAL = at('eth0', 'fe80::1', true)
const DOCKER = at('docker0', '172.17.0.1')

const read = (given: Partial<AddressRequest>, machine: readonly InterfaceIp[] = [LO, ETH0, ETH1]) =>
  readAddresses(
    { listenAddress: null, advertiseAddress: null, dataPathAddress: null, ...given },
    machine,
  )

test('nothing said: every address, port 2377, and the rest is to be found out', () => {
  expect(read({})).toEqual({
    listen: { ip: '0.0.0.0', port: 2377 },
    advertise: null,
    dataPathIp: null,
  })
})

test('addresses and interfaces, with and without ports, of both families', () => {
  const given = { listenAddress: '10.0.0.1:4000', advertiseAddress: 'eth1:5000' }
  expect(read({ ...given, dataPathAddress: 'eth0' })).toEqual({
    listen: { ip: '10.0.0.1', port: 4000 },
    advertise: { ip: '10.1.0.1', port: 5000 },
    dataPathIp: '10.0.0.1',
  })
  const six = read({ listenAddress: '[::]:4000', advertiseAddress: 'fd00::1' }, [SIX, LINK_LOCAL])
  expect(six.listen).toEqual({ ip: '::', port: 4000 })
  expect(six.advertise).toEqual({ ip: 'fd00::1', port: 4000 })
  expect(read({ listenAddress: ':4000' }).listen).toEqual({ ip: '0.0.0.0', port: 4000 })
  expect(read({ advertiseAddress: '127.0.0.7' }).advertise?.ip).toBe('127.0.0.7')
})

test('behind translation, with an address of ours to listen at', () => {
  const given = { listenAddress: '10.0.0.1', advertiseAddress: '198.51.100.1' }
  expect(read(given).advertise?.ip).toBe('198.51.100.1')
})

describe('refused, saying what would do', () => {
  const LISTEN = 'failed to listen on remote API address: listen tcp 10.9.9.9:2377:'
  const HAS = '; it has 10.0.0.1 on eth0, 10.1.0.1 on eth1'
  const cases: readonly (readonly [Partial<AddressRequest>, string])[] = [
    [{ advertiseAddress: '10.9.9.9' }, `not recognized as a system address${HAS}`],
    [{ listenAddress: '10.9.9.9' }, `${LISTEN} bind: cannot assign requested address${HAS}`],
    [{ dataPathAddress: '10.9.9.9' }, `10.9.9.9 is not an address of this system${HAS}`],
    [{ advertiseAddress: 'eth7' }, `advertise address must be a non-zero IP address`],
    [{ advertiseAddress: '0.0.0.0' }, 'advertise address must be a non-zero IP address'],
    [{ advertiseAddress: '10.0.0.1:0' }, 'advertise address must be a non-zero IP address'],
    [{ listenAddress: '10.0.0.1:65536' }, 'listen address must be an IP address or network'],
    [{ listenAddress: 'a b:c' }, 'listen address must be an IP address or network interface'],
    [{ dataPathAddress: '::' }, 'data path address must be a non-zero IP address'],
  ]
  for (const [given, text] of cases) {
    test(JSON.stringify(given), () => {
      expect(() => read(given)).toThrow(text)
      expect(() => read(given)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    })
  }

  test('an interface with two addresses of a family, or none', () => {
    const two = [ETH0, at('eth0', '10.0.0.2')]
    const given = { advertiseAddress: 'eth0' }
    const text = 'interface eth0 has more than one IPv4 address (10.0.0.1 and 10.0.0.2)'
    expect(() => read(given, two)).toThrow(text)
    expect(() => read(given, [LINK_LOCAL])).toThrow('eth0 has no usable IPv4 or IPv6 address')
    expect(() => read(given, [])).toThrow('; it has none')
  })
})

describe('the only address', () => {
  const any = { ip: parseIp('0.0.0.0'), port: 2377 }

  test('without loopback, link-local and what engines made; IPv4 before IPv6', () => {
    expect(onlyAddress(any, [LO, DOCKER, SIX, LINK_LOCAL, ETH0])).toBe('10.0.0.1')
    expect(onlyAddress(any, [LO, SIX, LINK_LOCAL])).toBe('fd00::1')
    expect(onlyAddress({ ip: ETH1.ip, port: 1 }, [ETH0, ETH1])).toBe('10.1.0.1')
  })

  test('several: in Docker’s words, which are they', () => {
    const why =
      'could not choose an IP address to advertise since this system has multiple addresses'
    const apart = 'on different interfaces (10.0.0.1 on eth0 and 10.1.0.1 on eth1)'
    expect(() => onlyAddress(any, [ETH0, ETH1])).toThrow(`${why} ${apart}`)
    const both = [ETH0, at('eth0', '10.0.0.2')]
    expect(() => onlyAddress(any, both)).toThrow(`${why} on interface eth0 (10.0.0.1 and 10.0.0.2)`)
    expect(() => onlyAddress(any, [LO])).toThrow("could not find the system's IP address")
  })
})

test('a manager is named with or without its port', () => {
  expect(managerAddress(' manager.example ')).toBe('manager.example:2377')
  expect(managerAddress('10.0.0.1:4000')).toBe('10.0.0.1:4000')
  expect(managerAddress('fd00::1')).toBe('[fd00::1]:2377')
  expect(managerAddress('[fd00::1]:4000')).toBe('[fd00::1]:4000')
  for (const text of ['', ':', '10.0.0.1:x', '10.0.0.1:70000']) {
    expect(() => managerAddress(text)).toThrow('remote address must be')
  }
})
