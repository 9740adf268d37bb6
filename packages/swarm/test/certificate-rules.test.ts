/** Docker's rules for certificates: names, lengths of time, and when to renew. */
import { describe, expect, it } from 'vitest'
import { hasCode } from '@weft/core'
import { SeededRandom } from '@weft/core/testing'
import {
  CERTIFICATE_RULES,
  certificateDnsNames,
  certificateUnit,
  certificateValidity,
  checkValidity,
  isCertificateDue,
  renewalInstant,
  roleOfUnit,
  validityProblem,
  type CertificateFacts,
} from '../src/index.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const NOW = 1_800_000_000_500
const facts = (notBefore: number, notAfter: number): CertificateFacts => {
  return { nodeId: 'node', clusterId: 'cluster', role: 'worker', notBefore, notAfter }
}

describe('names', () => {
  it('come in Docker’s order, and only managers are swarm-ca', () => {
    expect(certificateDnsNames('worker', 'n')).toEqual(['swarm-worker', 'n'])
    expect(certificateDnsNames('manager', 'n')).toEqual(['swarm-manager', 'n', 'swarm-ca'])
  })

  it('give roles, and back', () => {
    for (const role of ['worker', 'manager'] as const) {
      expect(roleOfUnit(certificateUnit(role))).toBe(role)
    }
    const others = ['', 'swarm-ca', 'Swarm-Manager', 'manager']
    expect(others.map(roleOfUnit)).toEqual([null, null, null, null])
  })
})

describe('validity', () => {
  it('is backdated by an hour, and whole seconds', () => {
    expect(CERTIFICATE_RULES.validityMs).toBe(90 * DAY_MS)
    expect(certificateValidity(NOW, CERTIFICATE_RULES.validityMs)).toEqual({
      notBefore: NOW - 500 - HOUR_MS,
      notAfter: NOW - 500 + 90 * DAY_MS,
    })
  })

  it('is an hour at least', () => {
    const { validityMsMin } = CERTIFICATE_RULES
    expect(certificateValidity(NOW, validityMsMin).notAfter).toBe(NOW - 500 + HOUR_MS)
    expect(() => certificateValidity(NOW, validityMsMin - 1)).toThrow('an hour at least')
  })

  it('ends with its last millisecond, and begins with its first', () => {
    const own = facts(1000, 5000)
    expect(validityProblem(own, 1000)).toBe(null)
    expect(validityProblem(own, 5000)).toBe(null)
    expect(validityProblem(own, 5001)).toContain('expired 1 s ago')
    expect(() => checkValidity(own, 3000)).not.toThrow()
  })

  it('that has not begun is blamed on clocks, by how much', () => {
    const problem = validityProblem(facts(61_000, 90_000), 1000)
    expect(problem).toContain('60 s from now; check the clocks')
    const thrown = (): void => checkValidity(facts(61_000, 90_000), 1000)
    expect(thrown).toThrow('check the clocks')
    try {
      thrown()
    } catch (error) {
      expect(hasCode(error, 'ERR_UNTRUSTED')).toBe(true)
    }
  })
})

describe('renewal', () => {
  const own = facts(0, 100_000)

  it('falls on every second from 50 % to 80 %, and on no other', () => {
    const random = new SeededRandom(1)
    const drawn = new Set(Array.from({ length: 2000 }, () => renewalInstant(own, random)))
    const wanted = Array.from({ length: 31 }, (_, index) => 50_000 + index * 1000)
    expect([...drawn].sort((a, b) => a - b)).toEqual(wanted)
  })

  it('of what is over, or has no length, is at once', () => {
    const random = new SeededRandom(1)
    expect(renewalInstant(facts(5000, 5000), random)).toBe(5000)
    expect(renewalInstant(facts(5000, 1000), random)).toBe(5000)
  })

  it('is due from 80 % on', () => {
    expect(isCertificateDue(own, 79_999)).toBe(false)
    expect(isCertificateDue(own, 80_000)).toBe(true)
  })
})
