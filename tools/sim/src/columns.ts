/** Lines of fixed columns. */

/** Text to the left, numbers to the right. */
export function columns(cells: readonly (readonly [text: string | number, width: number])[]): string {
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
