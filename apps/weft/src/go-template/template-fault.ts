/** Why a template cannot be read or carried out, in the words of Go's text/template. */

/** A template's own mistake, or data that it does not fit. The message is Go's. */
export class TemplateFault extends Error {
  override readonly name = 'TemplateFault'
}

/** The message of a template that cannot be read; `line` counts from 1. */
export function parseFault(name: string, line: number, problem: string): TemplateFault {
  return new TemplateFault(`template: ${name}:${line}: ${problem}`)
}

/** What Go shows of a node in front of a problem met while carrying a template out. */
export interface Place {
  /** The template's name; Docker gives few of them one. */
  readonly name: string
  readonly line: number
  /** Characters before it in its line. */
  readonly column: number
  /** The node as written. */
  readonly shown: string
}

/** The message of a template that met data it does not fit. */
export function executionFault(place: Place, problem: string): TemplateFault {
  const { name, line, column, shown } = place
  const where = `${name}:${line}:${column}: executing "${name}" at <${shown}>`
  return new TemplateFault(`template: ${where}: ${problem}`)
}
