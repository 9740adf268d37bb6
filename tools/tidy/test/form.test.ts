import { describe, expect, test } from 'vitest'
import { documentedLaw, firstLineLaw } from '../src/laws/documented.ts'
import { defaultExportLaw, doorsLaw } from '../src/laws/doors.ts'
import { fileNamesLaw, leftoversLaw, typeNamesLaw } from '../src/laws/names.ts'
import {
  CLASS_MEMBERS_MAX,
  FILE_LINES_MAX,
  FUNCTION_LINES_MAX,
  LINE_COLUMNS_MAX,
  PARAMETERS_MAX,
  sizeLaw,
  TEST_FILE_LINES_MAX,
} from '../src/laws/size.ts'
import { readGivenNames, readGlossary, vocabularyLaw, wordsOf } from '../src/laws/vocabulary.ts'
import { findings, source } from './planted.ts'

const A = 'packages/a/src/a.ts'

function repeat(count: number, text: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => text(index)).join('')
}

function planted(law: Parameters<typeof findings>[0], code: string): string[] {
  return findings(law, { [A]: source(code) })
}

describe('sizes: at the limit nothing is said, one beyond it is', () => {
  test('lines of a file', () => {
    const lines = (count: number): Record<string, string> => ({ [A]: repeat(count, () => 'a()\n') })
    expect(findings(sizeLaw, lines(FILE_LINES_MAX))).toEqual([])
    expect(findings(sizeLaw, lines(FILE_LINES_MAX + 1))).toEqual([`${A} 401 lines, of 400`])
  })

  test('lines of a test', () => {
    const path = 'packages/a/test/a.test.ts'
    const lines = (count: number): Record<string, string> => ({
      [path]: repeat(count, () => 'a()\n'),
    })
    expect(findings(sizeLaw, lines(TEST_FILE_LINES_MAX))).toEqual([])
    expect(findings(sizeLaw, lines(TEST_FILE_LINES_MAX + 1))).toHaveLength(1)
  })

  test('columns, which are characters', () => {
    const line = (columns: number): string => `// ${'é'.repeat(columns - 3)}`
    expect(planted(sizeLaw, line(LINE_COLUMNS_MAX))).toEqual([])
    expect(planted(sizeLaw, line(LINE_COLUMNS_MAX + 1))).toEqual([`${A}:2 101 columns, of 100`])
  })

  test.each([
    ['a declaration', (body: string) => `function f() {${body}}`],
    ['an arrow', (body: string) => `const f = () => {${body}}`],
    ['a method', (body: string) => `class C {\nf() {${body}} }`],
    ['a test', (body: string) => `test('f', () => {${body}})`],
  ])('lines of a function: %s', (_, wrap) => {
    const body = (lines: number): string => `\n${repeat(lines - 2, () => 'a()\n')}`
    expect(planted(sizeLaw, wrap(body(FUNCTION_LINES_MAX)))).toEqual([])
    expect(planted(sizeLaw, wrap(body(FUNCTION_LINES_MAX + 1)))).toHaveLength(1)
  })

  test('a suite is a list of tests, not a function', () => {
    const cases = repeat(FUNCTION_LINES_MAX + 1, () => 'a()\n')
    expect(planted(sizeLaw, `describe('a', () => {\n${cases}})`)).toEqual([])
    expect(planted(sizeLaw, `describe.each([1])('a', () => {\n${cases}})`)).toEqual([])
  })

  test('parameters', () => {
    const named = (count: number): string => repeat(count, (index) => `p${index}: number, `)
    expect(planted(sizeLaw, `function f(${named(PARAMETERS_MAX)}) {}`)).toEqual([])
    expect(planted(sizeLaw, `function f(${named(PARAMETERS_MAX + 1)}) {}`)).toEqual([
      `${A}:2 f takes 4 parameters, of 3`,
    ])
    const signature = `interface I { f(${named(PARAMETERS_MAX + 1)}): void }`
    expect(planted(sizeLaw, signature)).toHaveLength(1)
  })

  test('a window of bytes is one thing; a callback takes what it is given', () => {
    expect(planted(sizeLaw, 'function f(bytes, start, end, header, how) {}')).toEqual([])
    expect(planted(sizeLaw, 'function f(bytes, start, end, a, b, c) {}')).toHaveLength(1)
    expect(planted(sizeLaw, 'execFile(a, (error, out, err, more) => {})')).toEqual([])
  })

  test('public members of a class', () => {
    const members = (count: number): string =>
      `class C { #a = 1; private b = 2; constructor() {}\n${repeat(count, (n) => `m${n}() {}\n`)}}`
    expect(planted(sizeLaw, members(CLASS_MEMBERS_MAX))).toEqual([])
    expect(planted(sizeLaw, members(CLASS_MEMBERS_MAX + 1))).toHaveLength(1)
  })
})

describe('documentation', () => {
  test.each([
    ['a constant', 'export const a = 1'],
    ['a function', 'export function a() {}'],
    ['a type', 'export type a = 1'],
    ['an interface', 'export interface a { b: 1 }'],
    ['a class', 'export class a {}'],
  ])('%s that leaves the package undocumented is found', (_, code) => {
    expect(planted(documentedLaw, `\n${code}`)).toEqual([`${A}:3 a has no doc comment`])
    expect(planted(documentedLaw, `\n/** Now it is. */\n${code}`)).toEqual([])
  })

  test('an overload is documented once; what stays inside needs nothing', () => {
    const overloads = '\n/** Both. */\nexport function a(): void\nexport function a(b?: 1): void {}'
    expect(planted(documentedLaw, `${overloads}\nexport const inner = 2`)).toEqual([])
  })

  test('a thing is followed to where it is declared', () => {
    const files = {
      'packages/a/src/index.ts': "/** A. */\nexport { a as b } from './a.ts'\n",
      [A]: source("export { c as a } from './c.ts'"),
      'packages/a/src/c.ts': source('\nexport const c = 1'),
    }
    expect(findings(documentedLaw, files)).toEqual(['packages/a/src/c.ts:3 c has no doc comment'])
  })

  test('the sentence on a file of one thing is the comment of that thing', () => {
    expect(planted(documentedLaw, 'export const a = 1')).toEqual([])
  })

  test('a door that leads nowhere is found', () => {
    const index = "/** A. */\nexport { gone } from './a.ts'\n"
    expect(findings(documentedLaw, { 'packages/a/src/index.ts': index })).toEqual([
      `packages/a/src/index.ts:2 gone comes from ${A}, which does not declare it`,
    ])
  })

  test('a file that does not say what it is is found', () => {
    expect(findings(firstLineLaw, { [A]: 'export const a = 1\n' })).toEqual([
      `${A}:1 no sentence on what this file is`,
    ])
    expect(findings(firstLineLaw, { [A]: '#!/usr/bin/env node\n/** A program. */\n' })).toEqual([])
  })
})

describe('doors', () => {
  test('stars, logic and defaults are found', () => {
    expect(planted(doorsLaw, "export * from './b.ts'")).toEqual([`${A}:2 export *`])
    expect(planted(doorsLaw, "export * as b from './b.ts'")).toEqual([`${A}:2 export *`])
    const index = source('export const a = 1')
    expect(findings(doorsLaw, { 'packages/a/src/index.ts': index })).toEqual([
      'packages/a/src/index.ts:2 logic in an index.ts',
    ])
    expect(planted(defaultExportLaw, 'export default 1')).toEqual([`${A}:2 a default export`])
    expect(planted(defaultExportLaw, 'export default function a() {}')).toHaveLength(1)
  })
})

describe('names', () => {
  test.each(['utils.ts', 'helpers.ts', 'common.ts', 'misc.ts', 'types.ts', 'utils/mac.ts'])(
    '%s is a junk drawer',
    (name) => {
      const path = `packages/a/src/${name}`
      expect(findings(fileNamesLaw, { [path]: '' })).toEqual([`${path} a junk drawer`])
    },
  )

  test('files are kebab-case', () => {
    expect(findings(fileNamesLaw, { 'packages/a/src/macTable.ts': '' })).toHaveLength(1)
    expect(findings(fileNamesLaw, { 'packages/a/test/a.laws.test.ts': '' })).toEqual([])
  })

  const bad = ['IDataplane', 'DataplaneImpl', 'PeerManager', 'PacketHelper', 'BitUtils']

  test.each(bad)('%s', (name) => {
    expect(planted(typeNamesLaw, `interface ${name} {}`)).toEqual([`${A}:2 the name ${name}`])
  })

  test('Ip and Item are names like others', () => {
    expect(planted(typeNamesLaw, 'type Ip = 1\ntype Item = 1\nclass IPv4Header {}')).toEqual([])
  })

  const left = ['FIX' + 'ME', 'TO' + 'DO', 'XX' + 'X', 'test.on' + 'ly', 'it.sk' + 'ip(']

  test.each(left)('%s', (word) => {
    expect(planted(leftoversLaw, `// ${word} later`)).toEqual([`${A}:2 ${word}`])
  })

  test('a declared name that the glossary replaces is found, however it is spelt', () => {
    const what = (name: string): string => `${A}:2 ${name} says "driver"`
    expect(planted(vocabularyLaw, 'const overlayDriver = 1')).toEqual([what('overlayDriver')])
    expect(planted(vocabularyLaw, 'interface Drivers {}')).toEqual([what('Drivers')])
    expect(planted(vocabularyLaw, 'interface A { DRIVER_NAME: 1 }')).toEqual([what('DRIVER_NAME')])
    expect(planted(vocabularyLaw, 'const driven = docker.driver')).toEqual([])
    expect(findings(vocabularyLaw, { 'packages/a/src/driver.ts': '' })).toHaveLength(1)
    expect(findings(vocabularyLaw, { 'docs/glossary.md': '' })).toHaveLength(1)
  })

  test('a name that others gave is theirs, and only that name', () => {
    const rows = ['| Name | Whose |', '|---|---|', '| `driver`, `x` | `y` |', '## Z', '| `z` | |']
    const text = ['## Names that others gave', ...rows].join('\n')
    expect([...readGivenNames(text)]).toEqual(['driver', 'x'])
    const glossary = `| **backend** | | \`driver\` |\n${text}`
    const source = 'const driver = 1\nconst drivers = 2'
    const files = { 'docs/glossary.md': glossary, 'packages/a/src/a.ts': source }
    expect(findings(vocabularyLaw, files)).toEqual(['packages/a/src/a.ts:2 drivers says "driver"'])
  })

  test('words and terms', () => {
    expect(wordsOf('VTEPAddress_MAX2')).toEqual(['vtep', 'address', 'max2'])
    expect(readGlossary('| **a** | b | `c`, `d e` |')).toEqual([{ say: 'a', not: ['c', 'd e'] }])
  })
})
