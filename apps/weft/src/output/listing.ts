/** Lists as Docker's client prints them: a table, or a line for each by the user's template. */
import { GoMap, GoStruct, type GoMethod, type GoValue } from '../go-template/go-value.ts'
import { Template } from '../go-template/template.ts'
import { EXIT_FAILURE } from '../command-failure.ts'
import { alignColumns, TABLE_LAYOUT } from './column-writer.ts'
import { explained } from './format-option.ts'

/** One kind of list: what its rows can show, and under which headers. */
export interface Listing<Row> {
  /** Go's name for a row, for messages. */
  readonly typeName: string
  readonly columns: Readonly<Record<string, Column<Row>>>
  /** Methods with an argument: `.Label "key"`. */
  readonly methods?: Readonly<Record<string, (row: Row) => GoMethod>>
  /** The template of the table. */
  readonly table: string
  /** The template called `raw`, in full and when only what identifies each is wanted. */
  readonly raw?: { readonly full: string; readonly quiet: string }
}

/** A column: its header, and what a row has in it. */
export interface Column<Row> {
  readonly header: string
  readonly of: (row: Row) => string | boolean
}

/** How the user wants a list. */
export interface ListingStyle {
  /** A template, `table …`, a name such as `raw`; empty for the table. */
  readonly format: string
  /** Only what identifies each. */
  readonly quiet: boolean
}

/** What is printed of a list. Throws CommandFailure for a template that does not fit. */
export function printListing<Row>(
  listing: Listing<Row>,
  rows: readonly Row[],
  style: ListingStyle,
): string {
  const source = sourceOf(listing, style)
  const isTable = source.startsWith('table')
  const text = (isTable ? source.slice('table'.length) : source)
    .replace(/^ +| +$/g, '')
    .replaceAll('\\t', '\t')
    .replaceAll('\\n', '\n')
  return explained(() => {
    const parsed = Template.parse(text)
    const lines = rows.map((row) => `${parsed.execute(rowValue(listing, row))}\n`)
    if (!isTable) return lines.join('')
    const header = parsed.execute(headerValue(listing), { keepHeaders: true })
    return alignColumns(`${header}\n${lines.join('')}`, TABLE_LAYOUT)
  }, EXIT_FAILURE)
}

function sourceOf<Row>({ table, raw }: Listing<Row>, { format, quiet }: ListingStyle): string {
  if (format === '' || format === 'table') return quiet ? '{{.ID}}' : table
  if (format === 'raw' && raw !== undefined) return quiet ? raw.quiet : raw.full
  return format
}

/** A row has methods: each is called when it is asked for, and all of them for `json`. */
function rowValue<Row>({ typeName, columns, methods }: Listing<Row>, row: Row): GoStruct {
  const names = Object.keys(columns).sort()
  const cells = names.map((name) => [name, columns[name]?.of(row) ?? ''] as const)
  const calls = Object.entries(methods ?? {}).map(([name, of]) => [name, of(row)] as const)
  const fields = new Map<string, GoValue>([...cells, ...calls])
  return new GoStruct({ typeName, fields, json: Object.fromEntries(cells) })
}

function headerValue<Row>({ columns, methods }: Listing<Row>): GoMap {
  const headers = Object.entries(columns).map(([name, { header }]) => [name, header] as const)
  const calls = Object.keys(methods ?? {}).map((name) => [name, labelHeader] as const)
  return new GoMap(new Map<string, GoValue>([...headers, ...calls]), '', {})
}

/** The last part of a label's key, with blanks for dashes. */
const labelHeader: GoMethod = (key) =>
  typeof key === 'string' ? (key.split('.').at(-1) ?? '').replace(/[-_]/g, ' ') : ''
