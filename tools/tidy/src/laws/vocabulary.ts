/** One word, one thing: docs/glossary.md names the words, and this holds the code to them. */
import ts from 'typescript'
import type { Law, Offence } from '../law.ts'
import type { Repository } from '../repository.ts'
import { isSource, lineOf, parse, walk } from '../source.ts'

const GLOSSARY = 'docs/glossary.md'

/** A word of the glossary with the words that it replaces. */
export interface Term {
  readonly say: string
  readonly not: readonly string[]
}

/** Names that are declared in our sources use the glossary's words. */
export const vocabularyLaw: Law = {
  name: 'declared names use the words of the glossary',
  find: (repository) => {
    const glossary = repository.read(GLOSSARY)
    const terms = readGlossary(glossary)
    const names: Names = { terms, given: readGivenNames(glossary) }
    if (terms.length === 0) {
      const instead = 'a table with the columns Say, Meaning, Not'
      return [{ path: GLOSSARY, what: 'no table of terms', instead }]
    }
    return repository.paths
      .filter((path) => isSource(path) && /^(packages|apps|tools)\//.test(path))
      .flatMap((path) => [...inPath(path, terms), ...inNames(repository, path, names)])
  },
}

/** Rows of the glossary's tables: the word, its meaning, and in backticks the words not to use. */
export function readGlossary(text: string): Term[] {
  const rows = text.split('\n').filter((line) => /^\| \*\*/.test(line))
  return rows.map((row) => {
    const cells = row.split('|').map((cell) => cell.trim())
    const say = /\*\*(.+?)\*\*/.exec(cells[1] ?? '')?.[1] ?? ''
    const not = [...(cells[3] ?? '').matchAll(/`([^`]+)`/g)].map(([, word]) => word ?? '')
    return { say, not }
  })
}

/** Names in the first column of the table under "Names that others gave". */
export function readGivenNames(text: string): ReadonlySet<string> {
  const table = text.split(/^## /m).find((part) => part.startsWith('Names that others gave\n'))
  const firsts = (table ?? '').split('\n').map((row) => /^\|([^|]*)\|/.exec(row)?.[1] ?? '')
  const quoted = firsts.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)])
  return new Set(quoted.map(([, name = '']) => name))
}

/** What the glossary says of names. */
interface Names {
  readonly terms: readonly Term[]
  readonly given: ReadonlySet<string>
}

/** `vtepAddress` and `VTEP_ADDRESS` are made of the words vtep and address. */
export function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
}

function misused(name: string, terms: readonly Term[]): Pick<Offence, 'what' | 'instead'>[] {
  const words = ` ${wordsOf(name).join(' ')} `
  return terms.flatMap(({ say, not }) =>
    not
      .filter((bad) => words.includes(` ${bad} `) || words.includes(` ${bad}s `))
      .map((bad) => ({ what: `${name} says "${bad}"`, instead: say })),
  )
}

function inPath(path: string, terms: readonly Term[]): Offence[] {
  return misused(path.split('/').slice(1).join('/'), terms).map((use) => ({ path, ...use }))
}

function inNames(repository: Repository, path: string, names: Names): Offence[] {
  const file = parse(repository, path)
  const found: Offence[] = []
  walk(file, (node) => {
    const name = declaredName(node)
    if (name === null || names.given.has(name)) return
    const line = lineOf(file, node)
    for (const use of misused(name, names.terms)) found.push({ path, line, ...use })
  })
  return found
}

/** The name that a declaration gives; names that others gave are theirs. */
function declaredName(node: ts.Node): string | null {
  const declares =
    ts.isVariableDeclaration(node) ||
    ts.isParameter(node) ||
    ts.isFunctionDeclaration(node) ||
    ts.isClassDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isMethodDeclaration(node) ||
    ts.isMethodSignature(node) ||
    ts.isPropertyDeclaration(node) ||
    ts.isPropertySignature(node)
  if (!declares || node.name === undefined) return null
  return ts.isIdentifier(node.name) ? node.name.text : null
}
