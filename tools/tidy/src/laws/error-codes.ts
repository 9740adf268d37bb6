/** An error code is a promise: it stands in its package's README and in a test. */
import ts from 'typescript'
import type { Law } from '../law.ts'
import { listPackages, type Package } from '../packages.ts'
import type { Repository } from '../repository.ts'
import { isSource, isTest, lineOf, parse, walk } from '../source.ts'

const CODE = /^ERR_[A-Z0-9_]+$/

/** Every code that a package defines is in its README's table and in one of its tests. */
export const errorCodesLaw: Law = {
  name: 'every error code is in its README and in a test',
  find: (repository) =>
    listPackages(repository)
      .filter((one) => one.published)
      .flatMap((one) => offencesOf(repository, one)),
}

function offencesOf(repository: Repository, one: Package): ReturnType<Law['find']> {
  const within = repository.paths.filter((path) => path.startsWith(`${one.folder}/`))
  const readme = repository.read(`${one.folder}/README.md`)
  const tests = repository.paths.filter((path) => isSource(path) && isTest(path))
  const tested = tests.map((path) => repository.read(path)).join('\n')
  return within
    .filter((path) => isSource(path) && !isTest(path))
    .flatMap((path) => definedCodes(parse(repository, path)).map((code) => ({ path, ...code })))
    .flatMap(({ path, code, line }) => [
      ...(inTable(readme, code)
        ? []
        : [{ path, line, what: `${code} is not in a table of README.md`, instead: WHEN_AND_WHAT }]),
      ...(new RegExp(`\\b${code}\\b`).test(tested)
        ? []
        : [{ path, line, what: `no test names ${code}`, instead: 'test what raises it' }]),
    ])
}

const WHEN_AND_WHAT = 'add a row under Failure: code, when, what to do'

function inTable(readme: string, code: string): boolean {
  return new RegExp(`^\\|.*\\b${code}\\b.*\\|`, 'm').test(readme)
}

/** Codes as keys of a type: the tables that `defineErrors` takes. */
function definedCodes(file: ts.SourceFile): { readonly code: string; readonly line: number }[] {
  const found: { readonly code: string; readonly line: number }[] = []
  walk(file, (node) => {
    if (!ts.isPropertySignature(node)) return
    const code = ts.isIdentifier(node.name) || ts.isStringLiteral(node.name) ? node.name.text : ''
    if (CODE.test(code)) found.push({ code, line: lineOf(file, node) })
  })
  return found
}
