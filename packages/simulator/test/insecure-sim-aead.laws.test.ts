/** The double of AES-GCM keeps its port's promises, as far as simulations lean on them. */
import { AEAD_NONCE_BYTES, AEAD_TAG_BYTES, type AeadUse } from '@weft/core'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { insecureSimAead as aead } from '../src/insecure-sim-aead.ts'

const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length })

const uses: fc.Arbitrary<AeadUse> = fc.record({
  key: fc.oneof(bytes(16), bytes(24), bytes(32)),
  nonce: bytes(AEAD_NONCE_BYTES),
  associated: fc.uint8Array({ maxLength: 8 }),
})

it('opens what it sealed, and nothing of the plain text shows', () => {
  fc.assert(
    fc.property(uses, fc.uint8Array({ minLength: 16, maxLength: 200 }), (use, plain) => {
      const sealed = aead.seal(use, plain)
      expect(sealed).toHaveLength(plain.length + AEAD_TAG_BYTES)
      expect(aead.open(use, sealed)).toEqual(plain)
      expect(sealed.subarray(0, plain.length)).not.toEqual(plain)
    }),
  )
})

it('opens nothing that was changed, cut short, or sealed otherwise', () => {
  fc.assert(
    fc.property(uses, fc.uint8Array({ maxLength: 64 }), fc.nat(), (use, plain, at) => {
      const sealed = aead.seal(use, plain)
      const changed = sealed.slice()
      changed[at % changed.length] = (changed[at % changed.length] ?? 0) ^ 1
      expect(aead.open(use, changed)).toBeNull()
      expect(aead.open(use, sealed.subarray(0, -1))).toBeNull()
      expect(aead.open(use, sealed.subarray(0, AEAD_TAG_BYTES - 1))).toBeNull()
      const otherKey = use.key.map((byte) => byte ^ 0x55)
      expect(aead.open({ ...use, key: otherKey }, sealed)).toBeNull()
      const otherText = Uint8Array.of(...use.associated, 1)
      expect(aead.open({ ...use, associated: otherText }, sealed)).toBeNull()
    }),
  )
})
