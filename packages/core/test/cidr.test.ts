import { expect, test } from 'vitest'
import { cidrContains, parseCidr, parseIp } from '../src/index.ts'

test('a prefix holds its addresses and no others', () => {
  const cidr = parseCidr('10.0.1.0/24')
  expect(cidrContains(cidr, parseIp('10.0.1.255'))).toBe(true)
  expect(cidrContains(cidr, parseIp('10.0.2.0'))).toBe(false)
})
