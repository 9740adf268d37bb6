/** Columns of text, aligned as Go's text/tabwriter aligns them. */

/** How cells are laid out. Widths in characters. */
export interface ColumnLayout {
  /** The least width of a column, padding included. */
  readonly cellWidthMin: number
  readonly padding: number
}

/** Docker's tables (cli/command/formatter). */
export const TABLE_LAYOUT: ColumnLayout = { cellWidthMin: 10, padding: 3 }

/** The output of `version`. */
export const VERSION_LAYOUT: ColumnLayout = { cellWidthMin: 20, padding: 1 }

/**
 * Align text whose cells end with tabs. A column is a run of adjacent lines that have a cell there;
 * the last cell of a line ends with the line, and belongs to no column.
 */
export function alignColumns(text: string, layout: ColumnLayout): string {
  const lines = text.split('\n').map((line) => line.split('\t'))
  const written: string[] = []
  layOut(lines, { from: 0, to: lines.length, widths: [] }, { layout, written })
  return written.join('\n')
}

interface Block {
  readonly from: number
  readonly to: number
  /** Of the columns to the left of the one that is looked at. */
  readonly widths: readonly number[]
}

interface Layout {
  readonly layout: ColumnLayout
  /** Finished lines. */
  readonly written: string[]
}

function layOut(lines: readonly string[][], { from, to, widths }: Block, state: Layout): void {
  const column = widths.length
  const hasCell = (index: number): boolean => column < (lines[index]?.length ?? 0) - 1
  let index = from
  while (index < to) {
    if (!hasCell(index)) {
      state.written.push(lineOf(lines[index] ?? [], widths))
      index += 1
      continue
    }
    let end = index
    let width = state.layout.cellWidthMin
    for (; end < to && hasCell(end); end += 1) {
      width = Math.max(width, widthOf(lines[end]?.[column] ?? '') + state.layout.padding)
    }
    layOut(lines, { from: index, to: end, widths: [...widths, width] }, state)
    index = end
  }
}

function lineOf(cells: readonly string[], widths: readonly number[]): string {
  const padded = cells.slice(0, -1).map((cell, column) => {
    return cell + ' '.repeat(Math.max((widths[column] ?? 0) - widthOf(cell), 0))
  })
  return [...padded, cells.at(-1) ?? ''].join('')
}

/** Code points, as Go counts. */
function widthOf(cell: string): number {
  return Array.from(cell).length
}
