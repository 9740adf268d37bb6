/** Names of files and things, and words that must not stay in a text. */
import ts from 'typescript'
import type { Law, Offence } from '../law.ts'
import type { Repository } from '../repository.ts'
import { isSource, lineOf, parse } from '../source.ts'

const JUNK = /^(utils?|helpers?|common|misc|types|shared|stuff|lib)$/
const FILE_NAME = /^[a-z0-9]+([-.][a-z0-9]+)*\.(ts|js|cjs|mjs)$/

/** Files are kebab-case and named after what is in them. */
export const fileNamesLaw: Law = {
  name: 'files are named after what is in them',
  find: (repository) =>
    repository.paths.filter(isSource).flatMap((path) => {
      const name = path.split('/').at(-1) ?? ''
      const junk = path.split('/').some((part) => JUNK.test(part.replace(/\..*$/, '')))
      const instead = 'name it after its main export'
      if (junk) return [{ path, what: 'a junk drawer', instead }]
      return FILE_NAME.test(name) ? [] : [{ path, what: `${name} is not kebab-case`, instead }]
    }),
}

const DECLARED: readonly { readonly bad: RegExp; readonly instead: string }[] = [
  { bad: /^I(?!Pv\d)[A-Z][a-z]/, instead: 'drop the I: an interface is not special' },
  { bad: /Impl$/, instead: 'say how it differs: `KernelDataplane`' },
  // A manager, and nothing before it, is a node of a cluster.
  { bad: /.Manager$/, instead: 'say what it does: an allocator, a registry, a plan' },
  { bad: /(Helper|Util|Utils)$/, instead: 'say what it does' },
]

/** Types and classes say what they are. */
export const typeNamesLaw: Law = {
  name: 'types and classes say what they are',
  find: (repository) =>
    repository.paths.filter(isSource).flatMap((path) => {
      const file = parse(repository, path)
      return file.statements.flatMap((statement) => badName(file, path, statement))
    }),
}

function badName(file: ts.SourceFile, path: string, statement: ts.Statement): Offence[] {
  const isType =
    ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement)
  const name = isType ? (statement.name?.text ?? '') : ''
  return DECLARED.filter(({ bad }) => bad.test(name)).map(({ instead }) => ({
    path,
    line: lineOf(file, statement),
    what: `the name ${name}`,
    instead,
  }))
}

// Spelt in parts, so that this file keeps its own law.
const LEFTOVERS: readonly { readonly bad: RegExp; readonly instead: string }[] = [
  { bad: /\bFIX(?:ME)\b/, instead: 'fix it, or write an issue' },
  { bad: /\bTO(?:DO)\b/, instead: 'do it, or write it into docs/test-wishlist.md' },
  { bad: /\bX(?:XX)\b/, instead: 'say what is wrong in a sentence' },
  { bad: /\b(?:describe|test|it)\.on(?:ly)\b/, instead: 'remove it: the other tests do not run' },
  { bad: /\b(?:describe|test|it)\.sk(?:ip)\(/, instead: 'remove the test, or gate it by its tier' },
  { bad: /@ts-(?:ignore|nocheck)/, instead: '@ts-expect-error with a reason, in a test' },
]

/** Nothing is left half done. */
export const leftoversLaw: Law = {
  name: 'nothing is left half done',
  find: (repository) =>
    repository.paths
      .filter((path) => isSource(path) || path.endsWith('.md'))
      .flatMap((path) => leftoversIn(repository, path)),
}

function leftoversIn(repository: Repository, path: string): Offence[] {
  return repository
    .read(path)
    .split('\n')
    .flatMap((text, index) =>
      LEFTOVERS.filter(({ bad }) => bad.test(text)).map(({ bad, instead }) => ({
        path,
        line: index + 1,
        what: bad.exec(text)?.[0] ?? '',
        instead,
      })),
    )
}
