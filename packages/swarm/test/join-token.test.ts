/** Join tokens: Docker's vectors, every way to be wrong, and that errors keep the secret. */
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { hasCode, type Entropy } from '@weft/core'
import {
  caDigest,
  formatJoinToken,
  parseJoinToken,
  TOKEN_DIGEST_CHARACTERS,
  TOKEN_SECRET_CHARACTERS,
  tokenSecret,
} from '../src/index.ts'

// docker-wire, Appendix A.
const HELLO_DIGEST = '14bu24ea7cq4jhmrgj4a3jrn1v6vem8ualnohxyeq239y1gobo'
const COUNTING_SECRET = '000avh9he7dy896m08s18udxr'
const sha256 = (text: string): Uint8Array => createHash('sha256').update(text).digest()
const counting: Entropy = {
  fill: (target) => target.forEach((_, index) => (target[index] = index)),
}

describe('the parts of a token', () => {
  it('has the digest of the reference', () => {
    expect(caDigest(sha256('hello'))).toBe(HELLO_DIGEST)
    expect(HELLO_DIGEST).toHaveLength(TOKEN_DIGEST_CHARACTERS)
  })

  it('pads small digests and secrets', () => {
    expect(caDigest(new Uint8Array(32))).toBe('0'.repeat(TOKEN_DIGEST_CHARACTERS))
    expect(caDigest(new Uint8Array(32).fill(255))).toHaveLength(TOKEN_DIGEST_CHARACTERS)
    expect(tokenSecret({ fill: () => undefined })).toBe('0'.repeat(TOKEN_SECRET_CHARACTERS))
  })

  it('has the secret of the reference', () => {
    expect(tokenSecret(counting)).toBe(COUNTING_SECRET)
  })
})

describe('tokens', () => {
  const version1 = `SWMTKN-1-${HELLO_DIGEST}-${COUNTING_SECRET}`
  const digestAndSecret = { digest: HELLO_DIGEST, secret: COUNTING_SECRET }

  it('are read and written in both versions', () => {
    expect(parseJoinToken(version1)).toEqual({ version: 1, fips: false, ...digestAndSecret })
    expect(formatJoinToken({ version: 1, fips: false, ...digestAndSecret })).toBe(version1)
    for (const fips of [false, true]) {
      const text = `SWMTKN-2-${fips ? 1 : 0}-${HELLO_DIGEST}-${COUNTING_SECRET}`
      expect(parseJoinToken(text)).toEqual({ version: 2, fips, ...digestAndSecret })
      expect(formatJoinToken({ version: 2, fips, ...digestAndSecret })).toBe(text)
    }
  })

  const tooLarge = 'z'.repeat(TOKEN_DIGEST_CHARACTERS)
  it.each([
    ['', 'does not begin with SWMTKN'],
    ['SWMTKN', 'version'],
    [version1.toLowerCase(), 'does not begin with SWMTKN'],
    [` ${version1}`, 'does not begin with SWMTKN'],
    [`SWMTKN-3-${HELLO_DIGEST}-${COUNTING_SECRET}`, 'version'],
    [`SWMTKN-01-${HELLO_DIGEST}-${COUNTING_SECRET}`, 'version'],
    ['SWMTKN-1', 'missing'],
    [`SWMTKN-1-${HELLO_DIGEST}`, 'missing'],
    [`SWMTKN-1-${HELLO_DIGEST}-`, 'secret'],
    [`SWMTKN-1-${HELLO_DIGEST.slice(1)}-${COUNTING_SECRET}`, 'digest'],
    [`SWMTKN-1-${HELLO_DIGEST.toUpperCase()}-${COUNTING_SECRET}`, 'digest'],
    [`SWMTKN-1-${tooLarge}-${COUNTING_SECRET}`, 'digest'],
    [`SWMTKN-1-${HELLO_DIGEST}-${COUNTING_SECRET}0`, 'secret'],
    [`SWMTKN-1-${HELLO_DIGEST}-${COUNTING_SECRET.slice(1)}é`, 'secret'],
    [`${version1}-x`, 'more behind'],
    [`${version1}\n`, 'secret'],
    [`SWMTKN-2-${HELLO_DIGEST}-${COUNTING_SECRET}`, 'FIPS'],
    [`SWMTKN-2-2-${HELLO_DIGEST}-${COUNTING_SECRET}`, 'FIPS'],
  ])('refuses %j, saying that it is the %s', (text, problem) => {
    let error: unknown
    try {
      parseJoinToken(text)
    } catch (thrown) {
      error = thrown
    }
    expect(hasCode(error, 'ERR_INVALID_ARGUMENT')).toBe(true)
    expect(error).toMatchObject({ message: 'invalid join token' })
    expect(JSON.stringify(error)).toContain(problem)
    // Neither whole nor in part: a token with a typing error is nearly a token.
    expect(JSON.stringify(error)).not.toContain(COUNTING_SECRET.slice(2, 20))
  })
})
