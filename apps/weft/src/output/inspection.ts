/** `inspect`: objects as indented JSON, or by a template, one after the other. */
import { goValueOf, type GoValue } from '../go-template/go-value.ts'
import { TemplateFault } from '../go-template/template-fault.ts'
import type { Template } from '../go-template/template.ts'
import { readFormat } from './format-option.ts'

/** What to inspect, and how. */
export interface Inspection {
  readonly names: readonly string[]
  /** A template; empty for JSON. */
  readonly format: string
  /** Asks for one object; throws when it is not there. */
  readonly fetch: (name: string) => Promise<object>
  /** The object as Docker's client knows it, typed. */
  readonly shape: (object: object) => GoValue
  /** Names that the type has not are looked up in the JSON too. */
  readonly rawFallback: boolean
}

/** What was printed of an inspection, and what went wrong with some of it. */
export interface Inspected {
  readonly text: string
  readonly failures: readonly string[]
}

/**
 * Inspect everything that is there; `describe` says what went wrong with one object. Throws
 * CommandFailure for a template that cannot be read.
 */
export async function inspectAll(
  { names, format, fetch, shape, rawFallback }: Inspection,
  describe: (error: unknown, name: string) => string,
): Promise<Inspected> {
  const template = format === '' ? null : readFormat(format)
  const objects: object[] = []
  const lines: string[] = []
  const failures: string[] = []
  for (const name of names) {
    try {
      const object = await fetch(name)
      if (template === null) objects.push(object)
      else lines.push(`${executed(template, { object, shape, rawFallback })}\n`)
    } catch (error) {
      const isTemplate = error instanceof TemplateFault
      const parsing = 'template parsing error'
      failures.push(isTemplate ? `${parsing}: ${error.message}` : describe(error, name))
    }
  }
  if (template === null) return { text: `${indentedJson(objects)}\n`, failures }
  return { text: lines.length === 0 ? '\n' : lines.join(''), failures }
}

/** JSON as Docker indents it; an empty list or object stays on its line. */
export function indentedJson(value: unknown): string {
  return JSON.stringify(value, null, 4)
}

function executed(
  template: Template,
  { object, shape, rawFallback }: Pick<Inspection, 'shape' | 'rawFallback'> & {
    readonly object: object
  },
): string {
  try {
    return template.execute(shape(object))
  } catch (error) {
    if (!rawFallback || !(error instanceof TemplateFault)) throw error
    return template.execute(goValueOf(object), { strict: true })
  }
}
