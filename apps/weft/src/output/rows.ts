/** Tables of Weft's own commands: no templates, `--json` for programs. */
import { alignColumns, TABLE_LAYOUT } from './column-writer.ts'

/** A header and rows as one aligned text. */
export function tableText(
  headers: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const lines = [headers, ...rows].map((cells) => cells.map(cellText).join('\t'))
  return alignColumns(`${lines.join('\n')}\n`, TABLE_LAYOUT)
}

/** What would break the table is shown as a blank. */
function cellText(cell: string): string {
  return cell.replace(/\s/g, ' ')
}

/** JSON as `--json` prints it. */
export function jsonOutput(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

/** The option of every command of ours. */
export const JSON_OPTION = { name: 'json', about: 'Print JSON' } as const
