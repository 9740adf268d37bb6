/** Outcomes of the suite as a document: which backend keeps which promise. */
import type { ComplianceCase } from './compliance-case.ts'
import type { CaseOutcome } from './run-case.ts'

/** One outcome, with whose it is. */
export interface CaseResult {
  readonly backend: string
  readonly name: string
  readonly outcome: CaseOutcome
  /** Reason of the waiver, if there is one. */
  readonly waiver: string | null
}

/** What a document says beside results. */
export interface MatrixOptions {
  /** Columns that there are, whether or not anything of them was run. */
  readonly columns?: readonly string[]
  /** Lines above the table. */
  readonly notes?: readonly string[]
}

/** `docs/compliance.md` from the results of every suite; the same results give the same text. */
export function renderComplianceMatrix(
  results: readonly CaseResult[],
  cases: readonly ComplianceCase[],
  { columns = [], notes = [] }: MatrixOptions = {},
): string {
  const backends = [...new Set([...columns, ...results.map(({ backend }) => backend)])].sort()
  const known = new Map(results.map((result) => [`${result.backend} ${result.name}`, result]))
  const header = ['case', 'promise', ...backends]
  const rows = cases.map(({ name, promise }) => [
    `\`${name}\``,
    promise,
    ...backends.map((backend) => cell(known.get(`${backend} ${name}`))),
  ])
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [
    '# Compliance',
    '',
    'Generated from the run of the compliance suite; do not edit.',
    '',
    ...(notes.length === 0 ? [] : [...notes, '']),
    line(header),
    line(header.map(() => '---')),
    ...rows.map(line),
    ...waiverLines(results),
    '',
  ].join('\n')
}

function cell(result: CaseResult | undefined): string {
  if (result === undefined) return 'not run'
  const { outcome, waiver } = result
  switch (outcome.result) {
    case 'passed':
      return waiver === null ? 'yes' : '**stale waiver**'
    case 'skipped':
      return `needs ${outcome.needs.join(', ')}`
    case 'failed':
      return waiver === null ? '**no**' : 'waived'
  }
}

function waiverLines(results: readonly CaseResult[]): readonly string[] {
  const waived = results.filter(({ waiver }) => waiver !== null)
  if (waived.length === 0) return []
  const lines = waived.map(({ backend, name, waiver }) => `- \`${name}\` on ${backend}: ${waiver}`)
  return ['', '## Waivers', '', ...lines.sort()]
}
