/** VXLAN network identifiers: 24 bits (RFC 7348 §5). */
import { valueError } from './value-errors.ts'

/** A VXLAN network identifier, 0 to 2^24 - 1. */
export type Vni = number & { readonly __vni: never }

/** The largest VNI: 2^24 - 1. */
export const VNI_MAX = 0xff_ff_ff

/** Check a number as a VNI. Throws ERR_INVALID_VALUE when it is not a whole number of 24 bits. */
export function vni(value: number): Vni {
  if (!Number.isInteger(value) || value < 0 || value > VNI_MAX) {
    throw valueError('ERR_INVALID_VALUE', 'not a VNI', {
      kind: 'vni',
      text: String(value),
      expected: `a whole number from 0 to ${VNI_MAX}`,
    })
  }
  return value as Vni
}
