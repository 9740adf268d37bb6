/** The word that was probably meant, for messages about one that is unknown. */

/** Changes of a letter that a slip of the fingers may make; Go's cobra has the same. */
export const SLIPS_MAX = 2

/** ` Did you mean 'ls'?` for the nearest of the names, and nothing when none is near. */
export function didYouMean(typed: string, names: readonly string[]): string {
  const found = nearest(typed, names)
  return found === null ? '' : ` Did you mean '${found}'?`
}

/**
 * The name that is fewest slips away, at most SLIPS_MAX and fewer than it has letters; else the
 * shortest that begins with what was typed.
 */
export function nearest(typed: string, names: readonly string[]): string | null {
  const bare = typed.replace(/^--/, '')
  if (bare === '') return null
  let best: string | null = null
  let fewest = Math.min(SLIPS_MAX, bare.length - 1) + 1
  for (const name of names) {
    const slips = slipsBetween(typed, name)
    if (slips < fewest) [best, fewest] = [name, slips]
  }
  const longer = names.filter((name) => name.startsWith(typed))
  return best ?? longer.toSorted((a, b) => a.length - b.length)[0] ?? null
}

/** Letters inserted, left out, replaced or exchanged with their neighbour. */
function slipsBetween(a: string, b: string): number {
  // A row for each letter of `a`: the slips up to there, for each length of `b`.
  let older: number[] = []
  let old = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let row = 1; row <= a.length; row += 1) {
    const now = [row]
    for (let column = 1; column <= b.length; column += 1) {
      const differs = a[row - 1] === b[column - 1] ? 0 : 1
      const isExchanged = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      const [left = 0, above = 0, diagonal = 0] = [now[column - 1], old[column], old[column - 1]]
      const exchanged = isExchanged ? (older[column - 2] ?? Infinity) + 1 : Infinity
      now.push(Math.min(left + 1, above + 1, diagonal + differs, exchanged))
    }
    older = old
    old = now
  }
  return old[b.length] ?? 0
}
