/** Templates come out as Go's text/template makes them, its messages included. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { goValueOf } from '../src/go-template/go-value.ts'
import { TemplateFault } from '../src/go-template/template-fault.ts'
import { PADDING_LENGTH_MAX } from '../src/go-template/template-functions.ts'
import { FIELD_WIDTH_MAX } from '../src/go-template/go-format.ts'
import { TEMPLATE_LENGTH_MAX } from '../src/go-template/template-lexer.ts'
import { TEMPLATE_DEPTH_MAX } from '../src/go-template/template-parser.ts'
import { Template } from '../src/go-template/template.ts'

interface Vectors {
  readonly data: unknown
  readonly results: readonly {
    readonly Template: string
    readonly Text: string
    readonly Fault: string
  }[]
}

const path = new URL('../vectors/go-templates.json', import.meta.url)
const { data, results } = JSON.parse(readFileSync(path, 'utf8')) as Vectors

test('there is enough to compare', () => {
  expect(results.length).toBeGreaterThan(120)
})

for (const { Template: text, Text, Fault } of results) {
  test(JSON.stringify(text), () => {
    expect(outcome(text, data)).toEqual({ text: Text, fault: wholeNumbers(Fault) })
  })
}

/** JSON's numbers are floats to Go; those that Docker's types have are not. */
function wholeNumbers(fault: string): string {
  return fault.replace('float64', 'int')
}

/** Here all data is JSON without types. */
function untyped(fault: string): string {
  return fault.replace(/(evaluate field \w+ in type) .*$/, '$1 interface {}')
}

function outcome(text: string, value: unknown): { text: string; fault: string } {
  try {
    return { text: Template.parse(text).execute(goValueOf(value)), fault: '' }
  } catch (error) {
    if (error instanceof TemplateFault) return { text: '', fault: untyped(error.message) }
    throw error
  }
}

test('templates, depths, paddings and widths end somewhere', () => {
  const long = 'x'.repeat(TEMPLATE_LENGTH_MAX)
  expect(outcome(long, {}).text).toBe(long)
  expect(outcome(`${long}x`, {}).fault).toContain('longer than')
  const nested = (depth: number): string => `{{${'('.repeat(depth)}1${')'.repeat(depth)}}}`
  expect(outcome(nested(TEMPLATE_DEPTH_MAX - 1), {}).text).toBe('1')
  expect(outcome(nested(TEMPLATE_DEPTH_MAX), {}).fault).toContain('deeper than')
  const spaces = PADDING_LENGTH_MAX
  expect(outcome(`{{pad "x" ${spaces} 0}}`, {}).text.length).toBe(spaces + 1)
  expect(outcome(`{{pad "x" ${spaces} 1}}`, {}).fault).toContain('error calling pad')
  const width = FIELD_WIDTH_MAX
  expect(outcome(`{{printf "%${width + 1}d" 1}}`, {}).text.length).toBe(width)
  expect(outcome(`{{printf "%${width}d" 1}}`, {}).text.length).toBe(width)
})
