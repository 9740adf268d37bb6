/** Names of namespaces and devices, and the fixed addresses of bridges. */
import { vni } from '@weft/core'
import { expect, test } from 'vitest'
import {
  bridgeLinkLocal,
  bridgeMac,
  deviceName,
  freeSlot,
  namespaceName,
  namespacePrefix,
  slotOf,
} from '../src/names.ts'

test('a namespace is named after instance and network', () => {
  expect(namespaceName('node-1', 'blue')).toBe('weft-node-1-blue')
  expect(namespaceName('node-1', 'blue').startsWith(namespacePrefix('node-1'))).toBe(true)
})

test('devices are numbered by slots that can be read off their names', () => {
  expect([deviceName.bridge(0), deviceName.vxlan(1), deviceName.veth(12)]).toEqual([
    'br0',
    'vxlan1',
    'veth12',
  ])
  expect(['br0', 'vxlan1', 'veth12', 'eth0', 'br', 'br0x', 'lo'].map(slotOf)).toEqual([
    0,
    1,
    12,
    null,
    null,
    null,
    null,
  ])
})

test('the lowest free slot is taken', () => {
  expect(freeSlot(new Set())).toBe(0)
  expect(freeSlot(new Set([0, 1, 3]))).toBe(2)
})

test('a bridge has the same addresses wherever its VNI is', () => {
  expect(bridgeMac(vni(0x00_10_2a))).toBe('02:77:65:00:10:2a')
  expect(bridgeLinkLocal(vni(0x00_10_2a))).toBe('fe80::77:65ff:fe00:102a')
})
