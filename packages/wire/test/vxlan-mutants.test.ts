/** The laws are worth what they catch: codecs with one mistake each must break at least one. */
import { setU24, setU8, u24, u8, type Vni } from '@weft/core'
import { describe, expect, it } from 'vitest'
import { vxlan, type HeaderCodec, type VxlanHeader } from '../src/index.ts'
import { codecLaws, type CodecSubject } from './codec-laws.ts'
import { vxlanSubject } from './vxlan-subject.ts'

type Mutant = Partial<HeaderCodec<VxlanHeader>>

const MUTANTS: { readonly [mistake: string]: Mutant } = {
  'leaves bytes it should fill': {
    write(bytes, start, header) {
      setU8(bytes, start, header.flags)
      if (header.reserved !== 0) setU24(bytes, start + 1, header.reserved)
      setU24(bytes, start + 4, header.vni)
      setU8(bytes, start + 7, header.trailer)
    },
  },
  'accepts a header one byte short': {
    check(bytes, start, end) {
      if (start < 0 || end > bytes.length || end - start < 7) return 'short'
      return (u8(bytes, start) & 8) === 0 ? 'bad-flags' : null
    },
  },
  'checks against the buffer in place of the window': {
    check: (bytes, start) => vxlan.check(bytes, start, bytes.length),
  },
  'shifts the VNI wrongly': {
    decode(bytes, start) {
      const header = vxlan.decode(bytes, start)
      return { ...header, vni: (header.vni >>> 1) as Vni }
    },
  },
  'puts and looks for the VNI in the same wrong place': {
    decode: (bytes, start) => ({
      flags: u8(bytes, start),
      reserved: u24(bytes, start + 1),
      trailer: u8(bytes, start + 4),
      vni: u24(bytes, start + 5) as Vni,
    }),
    write(bytes, start, header) {
      setU8(bytes, start, header.flags)
      setU24(bytes, start + 1, header.reserved)
      setU8(bytes, start + 4, header.trailer)
      setU24(bytes, start + 5, header.vni)
    },
  },
  'clears a byte behind its header': {
    write(bytes, start, header) {
      vxlan.write(bytes, start, header)
      setU8(bytes, start + 8, 0)
    },
  },
  'drops flags it does not know': {
    decode: (bytes, start) => ({ ...vxlan.decode(bytes, start), flags: u8(bytes, start) & 0x88 }),
  },
  'accepts a header without a VNI': {
    check: (bytes, start, end) => (vxlan.check(bytes, start, end) === 'short' ? 'short' : null),
  },
  'reads beyond the window in decode': {
    decode: (bytes, start) => ({ ...vxlan.decode(bytes, start), trailer: bytes[start + 8] ?? 0 }),
  },
  'accepts windows that end beyond the buffer': {
    check: (bytes, start, end) =>
      end - start < 8 ? 'short' : (u8(bytes, start) & 8) === 0 ? 'bad-flags' : null,
  },
}

function brokenLaws(subject: CodecSubject<VxlanHeader>): string[] {
  return codecLaws(subject).flatMap((law) => {
    try {
      law.run()
      return []
    } catch {
      return [law.name.slice(0, 1)]
    }
  })
}

describe('the codec laws', () => {
  it('hold for the codec as it is', () => {
    expect(brokenLaws(vxlanSubject)).toEqual([])
  })

  it.each(Object.entries(MUTANTS))('catch a codec that %s', (_mistake, mutant) => {
    const subject = { ...vxlanSubject, codec: { ...vxlan, ...mutant } }
    expect(brokenLaws(subject)).not.toEqual([])
  })
})
