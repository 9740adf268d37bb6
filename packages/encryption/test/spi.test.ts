import { parseIp } from '@weft/core'
import { describe, expect, it } from 'vitest'
import { spiOf } from '../src/index.ts'

const [a, b] = [parseIp('192.0.2.1'), parseIp('192.0.2.2')]
const ten = { source: parseIp('10.0.0.1'), destination: parseIp('10.0.0.2'), tag: 1 }

describe('SPIs', () => {
  it('are those of docker-wire §5.3', () => {
    const forward = { source: a, destination: b, tag: 0x1234 }
    const reverse = { source: b, destination: a, tag: 0x1234 }
    expect(spiOf(forward, 'sixteen-byte')).toBe(0x5308_3122)
    expect(spiOf(reverse, 'sixteen-byte')).toBe(0x22b4_98fe)
    expect(spiOf(ten, 'sixteen-byte')).toBe(0xf9c1_6827)
  })

  it('are those of the releases that hash four bytes', () => {
    expect(spiOf({ source: a, destination: b, tag: 0x1234 }, 'four-byte')).toBe(0x2bf8_4fc6)
    expect(spiOf({ source: b, destination: a, tag: 0x1234 }, 'four-byte')).toBe(0x2c81_482e)
    expect(spiOf(ten, 'four-byte')).toBe(0x275c_d19f)
  })

  it('hash every byte of a tag, and IPv6 addresses alike in both generations', () => {
    const six = { source: parseIp('fd00::1'), destination: parseIp('fd00::2') }
    const tags = [0, 1, 0x100, 0x1_0000, 0x100_0000, 0xffff_ffff]
    const spis = tags.map((tag) => spiOf({ ...six, tag }, 'sixteen-byte'))
    expect(new Set(spis).size).toBe(tags.length)
    expect(tags.map((tag) => spiOf({ ...six, tag }, 'four-byte'))).toEqual(spis)
  })
})
