/** The order in which Docker lists names: numbers inside them count as numbers. */

/** Compares two names; `node2` comes before `node10` (fbvbommel/sortorder). */
export function compareNaturally(a: string, b: string): number {
  const left = a.match(/\d+|\D/gu) ?? []
  const right = b.match(/\d+|\D/gu) ?? []
  for (let index = 0; index < Math.min(left.length, right.length); index += 1) {
    const order = compareParts(left[index] ?? '', right[index] ?? '')
    if (order !== 0) return order
  }
  return left.length - right.length
}

function compareParts(a: string, b: string): number {
  const [aDigit, bDigit] = [/^\d/.test(a), /^\d/.test(b)]
  if (aDigit !== bDigit) return aDigit ? -1 : 1
  if (!aDigit) return a === b ? 0 : a < b ? -1 : 1
  const [aValue, bValue] = [a.replace(/^0+/, ''), b.replace(/^0+/, '')]
  if (aValue.length !== bValue.length) return aValue.length - bValue.length
  if (aValue !== bValue) return aValue < bValue ? -1 : 1
  return a.length - b.length
}
