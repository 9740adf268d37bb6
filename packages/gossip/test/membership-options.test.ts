/** What a node starts with, and what its owner may ask of it. */
import { WeftError } from '@weft/core'
import { describe, expect, test } from 'vitest'
import { META_BYTES_MAX, NAME_BYTES_MAX } from '../src/memberlist/limits.ts'
import { CONFIRMATIONS_MAX } from '../src/membership/scale.ts'
import { knownMember, sentOf, view, Wire } from './membership-wire.ts'

function codeOf(deed: () => unknown): string {
  try {
    deed()
  } catch (error) {
    return error instanceof WeftError ? error.code : String(error)
  }
  return 'none'
}

describe('a name', () => {
  test('has 1 to NAME_BYTES_MAX bytes of UTF-8', () => {
    expect(codeOf(() => new Wire().start(''))).toBe('ERR_NAME_SIZE')
    expect(codeOf(() => new Wire().start('n'.repeat(NAME_BYTES_MAX)))).toBe('none')
    expect(codeOf(() => new Wire().start('n'.repeat(NAME_BYTES_MAX + 1)))).toBe('ERR_NAME_SIZE')
    expect(codeOf(() => new Wire().start('é'.repeat(NAME_BYTES_MAX >> 1)))).toBe('none')
    expect(codeOf(() => new Wire().start('é'.repeat(NAME_BYTES_MAX)))).toBe('ERR_NAME_SIZE')
  })
})

describe('metadata', () => {
  const largest = new Uint8Array(META_BYTES_MAX)
  const tooLarge = new Uint8Array(META_BYTES_MAX + 1)

  test('has up to META_BYTES_MAX bytes at the start', () => {
    expect(codeOf(() => new Wire().start('n1', { meta: largest }))).toBe('none')
    expect(codeOf(() => new Wire().start('n1', { meta: tooLarge }))).toBe('ERR_META_TOO_LARGE')
  })

  test('and later; what is refused changes nothing', () => {
    const wire = new Wire()
    const me = wire.start('n1')
    expect(codeOf(() => me.core.setMeta(wire.now, tooLarge))).toBe('ERR_META_TOO_LARGE')
    expect(view(me, 'n1')).toBe('alive 1')
    me.core.setMeta(wire.now, largest)
    expect(view(me, 'n1')).toBe('alive 2')
    expect(me.delegate.heard).toEqual(['updated n1'])
  })
})

describe('a profile', () => {
  test('wants at most CONFIRMATIONS_MAX confirmations', () => {
    const most = { suspicionConfirmations: CONFIRMATIONS_MAX }
    expect(codeOf(() => new Wire({ profile: most }).start('n1'))).toBe('none')
    const beyond = { suspicionConfirmations: CONFIRMATIONS_MAX + 1 }
    expect(codeOf(() => new Wire({ profile: beyond }).start('n1'))).toContain('bug')
  })

  test.each(['probeIntervalMs', 'probeTimeoutMs', 'gossipIntervalMs', 'streamTimeoutMs'])(
    'has a %s above 0',
    (name) => {
      expect(codeOf(() => new Wire({ profile: { [name]: 0 } }).start('n1'))).toContain('bug')
    },
  )
})

describe('known members', () => {
  test('are there from the start, and nobody is told so', () => {
    const wire = new Wire()
    const me = wire.start('n1', { known: [{ ...knownMember(2), incarnation: 7 }] })
    expect(view(me, 'n2')).toBe('alive 7')
    expect(me.core.roster.activeCount).toBe(2)
    expect(me.delegate.heard).toEqual([])
  })

  test('of our own name are a life before, which we go beyond', () => {
    const wire = new Wire()
    const known = [{ ...knownMember(1), incarnation: 7 }, knownMember(2)]
    const me = wire.start('n1', { known })
    expect(view(me, 'n1')).toBe('alive 8')
    wire.run(1000)
    expect(sentOf(wire, 'alive')[0]).toMatchObject({ node: 'n1', incarnation: 8 })
  })
})

test('a restart under the same name and address is news to the others', () => {
  const wire = new Wire()
  const nodes = wire.ring(4)
  wire.run(2000)
  const [old, ...others] = nodes
  if (old === undefined) throw new Error('a ring has nodes')
  old.core.setMeta(wire.now, Uint8Array.of(1))
  wire.run(2000)
  old.crashed = true
  const again = wire.start('n1', { address: old.address, meta: Uint8Array.of(2) })
  again.core.join(wire.now, others[0]?.address ?? old.address)
  wire.run(3000)
  for (const node of others) {
    expect(node.core.roster.get('n1')).toMatchObject({ state: 'alive', meta: Uint8Array.of(2) })
    expect(node.delegate.heard).not.toContain('dead n1')
  }
})
