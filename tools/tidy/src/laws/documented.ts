/** Every exported thing says what it is, and every file says so in its first line. */
import ts from 'typescript'
import type { Law, Offence } from '../law.ts'
import { listPackages } from '../packages.ts'
import type { Repository } from '../repository.ts'
import { isSource, isTest, lineOf, parse } from '../source.ts'

/** Whatever leaves a package through one of its doors has a doc comment where it is declared. */
export const documentedLaw: Law = {
  name: 'every exported thing is documented where it is declared',
  find: (repository) => {
    const doors = listPackages(repository).flatMap((one) => [...one.doors.values()])
    const found = doors.flatMap((door) => undocumentedBehind(repository, door))
    const seen = new Set<string>()
    return found.filter(({ path, what }) => {
      const key = `${path} ${what}`
      return !seen.has(key) && seen.add(key)
    })
  },
}

/** Sources begin with a sentence that says what they are. */
export const firstLineLaw: Law = {
  name: 'every source file begins with a sentence on what it is',
  find: (repository) =>
    repository.paths
      .filter((path) => isSource(path) && !isTest(path))
      .filter((path) => !/^(#![^\n]*\n)?\/\*\*?\s+\S/.test(repository.read(path)))
      .map((path) => ({
        path,
        line: 1,
        what: 'no sentence on what this file is',
        instead: 'begin with /** One sentence. */',
      })),
}

function undocumentedBehind(repository: Repository, door: string): Offence[] {
  if (!repository.has(door)) {
    return [{ path: door, what: 'a door without a file', instead: 'mend `exports` or add it' }]
  }
  return exportedNames(parse(repository, door)).flatMap(({ name, from, line }) => {
    const target = from === null ? door : resolve(door, from)
    const declaration = findDeclaration(repository, target, name)
    if (declaration === null) {
      const what = `${name} comes from ${target}, which does not declare it`
      return [{ path: door, line, what, instead: 'export it from where it is declared' }]
    }
    if (declaration.documented) return []
    const { path, line: place } = declaration
    const instead = 'say what it is, with units'
    return [{ path, line: place, what: `${declaration.name} has no doc comment`, instead }]
  })
}

interface ExportedName {
  readonly name: string
  /** The name it has for whoever imports it here. */
  readonly outside: string
  readonly from: string | null
  readonly line: number
}

/** Names in `export { a, type B as C } from './x.ts'`, by the name they have over there. */
function exportedNames(file: ts.SourceFile): ExportedName[] {
  return file.statements.flatMap((statement) => {
    if (!ts.isExportDeclaration(statement)) return []
    const { exportClause, moduleSpecifier } = statement
    if (exportClause === undefined || !ts.isNamedExports(exportClause)) return []
    const local = moduleSpecifier !== undefined && ts.isStringLiteral(moduleSpecifier)
    const from = local ? moduleSpecifier.text : null
    return exportClause.elements.map((element) => ({
      name: (element.propertyName ?? element.name).text,
      outside: element.name.text,
      from,
      line: lineOf(file, element),
    }))
  })
}

function resolve(door: string, specifier: string): string {
  return new URL(specifier, `file:///${door}`).pathname.slice(1)
}

interface Declaration {
  readonly path: string
  readonly line: number
  readonly name: string
  readonly documented: boolean
}

function findDeclaration(repository: Repository, path: string, name: string): Declaration | null {
  const file = parse(repository, path)
  const found = file.statements.filter((statement) => declares(statement, name))
  const [first] = found
  if (first !== undefined) {
    const documented = found.some((statement) => hasDocComment(file, statement))
    return { path, line: lineOf(file, first), name, documented }
  }
  const forwarded = exportedNames(file).find((one) => one.outside === name)
  if (forwarded === undefined || forwarded.from === null) return null
  return findDeclaration(repository, resolve(path, forwarded.from), forwarded.name)
}

/** The comment must touch what it documents: one that a blank line parts from it is the file's. */
function hasDocComment(file: ts.SourceFile, statement: ts.Statement): boolean {
  const comments = ts.getLeadingCommentRanges(file.text, statement.pos) ?? []
  return comments.some(({ pos, end }) => {
    const between = file.text.slice(end, statement.getStart(file))
    return file.text.startsWith('/**', pos) && !/\n\s*\n/.test(between)
  })
}

function declares(statement: ts.Statement, name: string): boolean {
  if (ts.isVariableStatement(statement)) {
    const { declarations } = statement.declarationList
    return declarations.some((one) => ts.isIdentifier(one.name) && one.name.text === name)
  }
  const isNamed =
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement)
  return isNamed && statement.name?.text === name
}
