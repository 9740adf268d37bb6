/** Who a stack may be, and where it sends what. */
import { parseInterfaceAddress, parseIp, parseMac } from '@weft/core'
import { describe, expect, test } from 'vitest'
import { ADDRESSES_MAX, MTU_MAX_BYTES, type StackConfig } from '../src/index.ts'
import { Bench, OURS } from './stack-kit.ts'

function configured(change: Partial<StackConfig>): Bench {
  return new Bench(change)
}

function addresses(...texts: readonly string[]): StackConfig['addresses'] {
  return texts.map(parseInterfaceAddress)
}

/** As many addresses of one prefix. */
function many(count: number): StackConfig['addresses'] {
  return addresses(...Array.from({ length: count }, (_, i) => `10.0.1.${2 + i}/24`))
}

describe('what cannot be', () => {
  const refused: readonly [string, Partial<StackConfig>][] = [
    ['no address', { addresses: [] }],
    ['an address too many', { addresses: many(ADDRESSES_MAX + 1), gateways: [] }],
    ['an address that is a group', { addresses: addresses('224.0.0.1/24'), gateways: [] }],
    ['an address that is the prefix', { addresses: addresses('10.0.1.0/24'), gateways: [] }],
    ['an address that is broadcast', { addresses: addresses('10.0.1.255/24'), gateways: [] }],
    ['an unspecified address', { addresses: addresses('::/64'), gateways: [] }],
    ['a loopback address', { addresses: addresses('127.0.0.1/8'), gateways: [] }],
    ['a gateway elsewhere', { gateways: [parseIp('192.0.2.1')] }],
    ['two gateways of a family', { gateways: ['10.0.1.1', '10.0.1.9'].map((ip) => parseIp(ip)) }],
    ['ourselves as the gateway', { gateways: [parseIp('10.0.1.2')] }],
    ['a MAC of a group', { mac: parseMac('01:00:5e:00:00:01') }],
    ['no MAC', { mac: parseMac('00:00:00:00:00:00') }],
    ['an MTU below IPv6’s', { mtuBytes: 1279 }],
    ['an MTU beyond IP’s', { mtuBytes: MTU_MAX_BYTES + 1 }],
    ['an MTU with a fraction', { mtuBytes: 1450.5 }],
  ]
  test.each(refused)('%s', (_, change) => {
    const invalid = expect.objectContaining({ code: 'ERR_INVALID_VALUE' })
    expect(() => configured(change)).toThrow(invalid)
  })

  test('a refused configuration changes nothing', () => {
    const { stack } = new Bench()
    expect(() => stack.configure({ ...OURS, addresses: [] })).toThrow()
    expect(stack.addresses).toEqual(OURS.addresses)
  })
})

test('the edges of what can be', () => {
  configured({ addresses: many(ADDRESSES_MAX), gateways: [] })
  configured({ mtuBytes: MTU_MAX_BYTES })
  configured({ mtuBytes: 1280 })
  configured({ addresses: addresses('10.0.1.2/24'), gateways: [], mtuBytes: 576 })
  configured({ addresses: addresses('10.0.1.0/31'), gateways: [parseIp('10.0.1.1')] })
})

describe('from which address to whom', () => {
  const several: Partial<StackConfig> = {
    addresses: addresses('10.0.1.2/24', '10.0.2.2/24', 'fd00:1::2/64', 'fe80::2/64'),
    gateways: ['10.0.2.1', 'fd00:1::1'].map((ip) => parseIp(ip)),
  }
  const asked: readonly [string, string][] = [
    ['10.0.1.9', 'arp request who has 10.0.1.9 tell 10.0.1.2'],
    ['10.0.2.9', 'arp request who has 10.0.2.9 tell 10.0.2.2'],
    ['192.0.2.9', 'arp request who has 10.0.2.1 tell 10.0.2.2'],
    ['fd00:1::9', 'ipv6 fd00:1::2 > ff02::1:ff00:9'],
    ['fe80::9', 'ipv6 fe80::2 > ff02::1:ff00:9'],
    ['2001:db8::9', 'ipv6 fd00:1::2 > ff02::1:ff00:1'],
  ]
  test.each(asked)('%s', (destination, question) => {
    const bench = configured(several)
    bench.stack.bindUdp().send({ ip: parseIp(destination), port: 9 }, new Uint8Array())
    expect(bench.take()[0]?.[1]).toContain(question)
  })

  test('a packet for elsewhere comes from the gateway’s prefix', async () => {
    const bench = configured(several)
    bench.stack.bindUdp().send({ ip: parseIp('192.0.2.9'), port: 9 }, new Uint8Array())
    await bench.introduce(4, parseMac('02:42:0a:00:02:01'), parseIp('10.0.2.1'))
    expect(bench.take().at(-1)?.[1]).toContain('ipv4 10.0.2.2 > 192.0.2.9 udp ttl 64 df')
  })

  test('link-local neighbours are neighbours without an address of that kind', () => {
    const bench = new Bench()
    bench.stack.bindUdp().send({ ip: parseIp('fe80::9'), port: 9 }, new Uint8Array())
    expect(bench.take()[0]?.[1]).toContain('ipv6 fd00:1::2 > ff02::1:ff00:9')
  })
})
