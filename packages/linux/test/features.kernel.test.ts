/** Offloads of devices, against what `ethtool` says of them. */
import { Features, TUNNEL_CHECKSUM_FEATURES, type FeatureStates } from '../src/index.ts'
import { describe, expect, test } from 'vitest'
import { atEnd, openFds, run, scratch, scratchPair } from './scratch.ts'

function featuresIn(path: string): Features {
  const features = Features.open(path)
  atEnd(() => features.close())
  return features
}

/** What `ethtool -k` prints of the kernel's own names; its sums of several are indented less. */
function ethtool(path: string, link: string): Map<string, { active: boolean; isFixed: boolean }> {
  const lines = run(`nsenter --net=${path} ethtool -k ${link}`).split('\n')
  const states = lines.flatMap((line) => {
    const [, name = '', state, fixed] = /^\s*([\w-]+): (on|off)( \[fixed\])?/.exec(line) ?? []
    const is = { active: state === 'on', isFixed: fixed !== undefined }
    return name === '' ? [] : ([[name, is]] as const)
  })
  return new Map(states)
}

describe('features', () => {
  test('are what ethtool says they are', () => {
    const [{ path }] = scratchPair()
    const ours: FeatureStates = featuresIn(path).read('eth0')
    const theirs = ethtool(path, 'eth0')
    let compared = 0
    for (const [name, { active, changeable }] of ours) {
      const other = theirs.get(name)
      if (other === undefined) continue
      compared++
      expect([name, active]).toEqual([name, other.active])
      expect([name, !changeable]).toEqual([name, other.isFixed])
    }
    expect(compared).toBeGreaterThan(30)
  })

  test('are switched off and on again, by name and by index', () => {
    const [{ linkIndex, path }] = scratchPair()
    const features = featuresIn(path)
    const wishes = (on: boolean): Record<string, boolean> =>
      Object.fromEntries(TUNNEL_CHECKSUM_FEATURES.map((name) => [name, on]))
    for (const on of [false, true]) {
      expect(features.change(on ? 'eth0' : linkIndex, wishes(on))).toEqual([])
      const theirs = ethtool(path, 'eth0')
      for (const name of TUNNEL_CHECKSUM_FEATURES) expect(theirs.get(name)?.active).toBe(on)
      expect(features.change(linkIndex, wishes(on))).toEqual([])
    }
  })

  test('that cannot be as wished are named', () => {
    const [{ path }] = scratchPair()
    const features = featuresIn(path)
    const wishes = {
      'tx-no-such-thing': true,
      'tx-generic-segmentation': false,
      'vlan-challenged': true,
    }
    expect(features.change('eth0', wishes)).toEqual(['tx-no-such-thing', 'vlan-challenged'])
    expect(features.read('eth0').get('tx-generic-segmentation')).toEqual({
      active: false,
      changeable: true,
    })
  })

  test('of what is not there are refused by name', () => {
    const { path } = scratch()
    const before = openFds()
    const features = Features.open(path)
    const details = { object: 'nosuch', errno: 'ENODEV' }
    const refused = expect.objectContaining({ details: expect.objectContaining(details) })
    expect(() => features.read('nosuch')).toThrow(refused)
    features.close()
    features.close()
    expect(openFds()).toBe(before)
  })
})
