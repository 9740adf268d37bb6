/** Canonical address text to numbers without allocation: validation and planning read thousands. */

/** The four 32-bit words of the last address read; IPv4 uses the last word only. */
export const ipWords = new Uint32Array(4)

const DOT = 0x2e
const COLON = 0x3a
const ZERO = 0x30

/**
 * Read canonical text (dotted decimal, or RFC 5952) into `ipWords`. Returns the family, or 0 when
 * the text is not canonical: equal addresses must be equal strings, or duplicates go unnoticed.
 */
export function readIpText(text: string): 4 | 6 | 0 {
  if (typeof text !== 'string') return 0
  return text.includes(':') ? readIpv6Text(text) : readIpv4Text(text)
}

function readIpv4Text(text: string): 4 | 0 {
  let value = 0
  let part = 0
  let digits = 0
  let dots = 0
  for (let i = 0; i <= text.length; i++) {
    const char = i === text.length ? DOT : text.charCodeAt(i)
    if (char === DOT) {
      if (digits === 0 || part > 255) return 0
      value = value * 256 + part
      dots++
      part = digits = 0
    } else {
      const digit = char - ZERO
      if (digit < 0 || digit > 9 || digits === 3 || (digits > 0 && part === 0)) return 0
      part = 10 * part + digit
      digits++
    }
  }
  if (dots !== 4) return 0
  ipWords.fill(0)
  ipWords[3] = value
  return 4
}

const groups = new Uint16Array(8)

function readIpv6Text(text: string): 6 | 0 {
  let count = 0
  let gapAt = -1
  let at = 0
  groups.fill(0)
  if (text.startsWith('::')) {
    gapAt = 0
    at = 2
  }
  while (at < text.length) {
    const end = readGroup(text, at, count)
    if (end < 0) return 0
    count++
    if (end === text.length) break
    if (text.charCodeAt(end + 1) === COLON) {
      if (gapAt >= 0) return 0
      gapAt = count
      at = end + 2
    } else {
      at = end + 1
      if (at === text.length) return 0
    }
  }
  return spreadGroups(count, gapAt) ? 6 : 0
}

/** Read the group at `at` into `groups[index]`; where it ends, or -1 when it is not canonical. */
function readGroup(text: string, at: number, index: number): number {
  if (index === 8) return -1
  let value = 0
  let i = at
  for (; i < text.length && text.charCodeAt(i) !== COLON; i++) {
    const char = text.charCodeAt(i)
    const digit = char >= 0x61 ? char - 0x57 : char - ZERO
    const isHex = (char >= ZERO && char <= ZERO + 9) || (char >= 0x61 && char <= 0x66)
    if (!isHex || i - at === 4 || (i > at && value === 0)) return -1
    value = value * 16 + digit
  }
  if (i === at) return -1
  groups[index] = value
  return i
}

/** Put the gap's zeros in their place; false when RFC 5952 §4.2 has the gap elsewhere. */
function spreadGroups(count: number, gapAt: number): boolean {
  if (gapAt < 0 ? count !== 8 : count > 6) return false
  const zeros = 8 - count
  if (gapAt >= 0) {
    groups.copyWithin(gapAt + zeros, gapAt, count)
    groups.fill(0, gapAt, gapAt + zeros)
  }
  const run = longestZeroRun()
  if (gapAt >= 0 ? run.at !== gapAt || run.length !== zeros : run.length >= 2) return false
  for (let i = 0; i < 4; i++) {
    ipWords[i] = ((groups[2 * i] as number) << 16) | (groups[2 * i + 1] as number)
  }
  return true
}

const run = { at: 0, length: 0 }

function longestZeroRun(): { readonly at: number; readonly length: number } {
  run.at = run.length = 0
  for (let i = 0; i < 8; i++) {
    let length = 0
    while (i + length < 8 && groups[i + length] === 0) length++
    if (length > run.length) {
      run.at = i
      run.length = length
    }
    i += length
  }
  return run
}
