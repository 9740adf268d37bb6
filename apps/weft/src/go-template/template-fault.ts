/** Why a template cannot be read or carried out, in the words of Go's text/template. */

/** A template's own mistake, or data that it does not fit. The message is Go's. */
export class TemplateFault extends Error {
  override readonly name = 'TemplateFault'
}

/** The message of a template that cannot be read; `line` counts from 1. */
export function parseFault(line: number, problem: string): TemplateFault {
  return new TemplateFault(`template: :${line}: ${problem}`)
}

/** What Go shows of a node in front of a problem met while carrying a template out. */
export interface Place {
  readonly line: number
  /** Characters before it in its line, as Go counts them: from 0 in the first line, else from 1. */
  readonly column: number
  /** The node as written, shortened. */
  readonly shown: string
}

/** The message of a template that met data it does not fit. */
export function executionFault({ line, column, shown }: Place, problem: string): TemplateFault {
  return new TemplateFault(`template: :${line}:${column}: executing "" at <${shown}>: ${problem}`)
}
