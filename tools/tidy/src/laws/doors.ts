/** What a package lets through: named things, by an index without logic. */
import ts from 'typescript'
import type { Law, Offence } from '../law.ts'
import type { Repository } from '../repository.ts'
import { isSource, isTest, lineOf, parse, walk } from '../source.ts'

/** `index.ts` only names what leaves; nothing anywhere says `export *`. */
export const doorsLaw: Law = {
  name: 'doors name what they let through',
  find: (repository) =>
    repository.paths
      .filter((path) => isSource(path))
      .flatMap((path) => [...stars(repository, path), ...logic(repository, path)]),
}

/** Libraries have no default exports: a thing has one name everywhere. */
export const defaultExportLaw: Law = {
  name: 'packages export names, not defaults',
  find: (repository) =>
    repository.paths
      .filter((path) => isSource(path) && /^(packages|apps)\//.test(path))
      .flatMap((path) => {
        const file = parse(repository, path)
        return file.statements
          .filter((one) => ts.isExportAssignment(one) || hasDefaultModifier(one))
          .map((one) => ({
            path,
            line: lineOf(file, one),
            what: 'a default export',
            instead: 'export it by its name',
          }))
      }),
}

function hasDefaultModifier(node: ts.Statement): boolean {
  const modifiers = ts.canHaveModifiers(node) ? (ts.getModifiers(node) ?? []) : []
  return modifiers.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword)
}

function stars(repository: Repository, path: string): Offence[] {
  const file = parse(repository, path)
  const found: Offence[] = []
  walk(file, (node) => {
    if (!ts.isExportDeclaration(node)) return
    if (node.exportClause !== undefined && !ts.isNamespaceExport(node.exportClause)) return
    const line = lineOf(file, node)
    found.push({ path, line, what: 'export *', instead: 'name what the door lets through' })
  })
  return found
}

function logic(repository: Repository, path: string): Offence[] {
  if (!path.endsWith('/index.ts') || isTest(path)) return []
  const file = parse(repository, path)
  return file.statements
    .filter((statement) => !ts.isExportDeclaration(statement) && !ts.isImportDeclaration(statement))
    .map((statement) => ({
      path,
      line: lineOf(file, statement),
      what: 'logic in an index.ts',
      instead: 'put it into a file named after it, and re-export it',
    }))
}
