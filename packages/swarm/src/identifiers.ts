/** IDs of objects: nodes, tasks, networks, clusters and sessions (docker-wire §7.1). */
import { setU8, u8, type Entropy } from '@weft/core'
import { base36 } from './base36.ts'

/** Characters of an ID, each of 0-9a-z. */
export const ID_CHARACTERS = 25

const ID_ENTROPY_BYTES = 17
const ID_FORM = /^[0-9a-z]{25}$/

/** A fresh ID: 129 bits of chance, so that nobody has to ask whether it is taken. */
export function createId(entropy: Entropy): string {
  const bytes = new Uint8Array(ID_ENTROPY_BYTES)
  entropy.fill(bytes)
  // The top bit makes the number always as long; the first digit, which it decides, is left out.
  setU8(bytes, 0, u8(bytes, 0) | 0x80)
  return base36(bytes, ID_CHARACTERS + 1).slice(1, ID_CHARACTERS + 1)
}

/** True for the form of an ID; whether it names anything is another question. */
export function isId(text: string): boolean {
  return ID_FORM.test(text)
}
