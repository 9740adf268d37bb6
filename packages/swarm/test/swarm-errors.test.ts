/** Each kind of SwarmErrors is one gRPC status, and nothing else is taken for one. */
import { describe, expect, it } from 'vitest'
import { valueError } from '@weft/core'
import { GRPC_STATUS, isSwarmError, swarmError } from '../src/index.ts'

describe('SwarmErrors', () => {
  it('are the statuses of docker-wire §7.5 and §7.6', () => {
    expect(GRPC_STATUS).toEqual({
      ERR_INVALID_ARGUMENT: 3,
      ERR_NOT_FOUND: 5,
      ERR_ALREADY_EXISTS: 6,
      ERR_PERMISSION_DENIED: 7,
      ERR_EXHAUSTED: 8,
      ERR_PRECONDITION: 9,
      ERR_OUT_OF_SEQUENCE: 2,
      ERR_ABORTED: 10,
      ERR_UNIMPLEMENTED: 12,
      ERR_UNAVAILABLE: 14,
      ERR_UNTRUSTED: 16,
    })
    expect(new Set(Object.values(GRPC_STATUS)).size).toBe(Object.keys(GRPC_STATUS).length)
  })

  it('are told from other errors', () => {
    const own = swarmError('ERR_NOT_FOUND', 'no such network', { subject: 'x' })
    expect(isSwarmError(own)).toBe(true)
    const other = { kind: 'ip', text: 'x', expected: 'an address' }
    expect(isSwarmError(valueError('ERR_INVALID_VALUE', 'no', other))).toBe(false)
    expect(isSwarmError(new Error('ERR_NOT_FOUND'))).toBe(false)
    expect(isSwarmError(Object.assign(new Error(''), { code: 'toString' }))).toBe(false)
  })
})
