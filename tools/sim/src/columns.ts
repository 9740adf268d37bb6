/** Lines of fixed columns. */

/** A word of a line, and how wide its column is. */
export type Cell = readonly [text: string | number, width: number]

/** Text to the left, numbers to the right. */
export function columns(cells: readonly Cell[]): string {
  return cells
    .map(([text, width]) =>
      typeof text === 'number' ? String(text).padStart(width) : text.padEnd(width),
    )
    .join('  ')
    .trimEnd()
}

/** Whole milliseconds; a dash where nothing was measured. */
export function ms(value: number | null, width: number): string {
  const text = value === null ? '-' : value === Infinity ? 'never' : value.toFixed(0)
  return text.padStart(width)
}
