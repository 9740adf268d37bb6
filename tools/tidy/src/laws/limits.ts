/** A limit is a constant with a unit in its name, and a test goes to its edge. */
import ts from 'typescript'
import type { Law } from '../law.ts'
import type { Repository } from '../repository.ts'
import { isSource, isTest, lineOf, parse } from '../source.ts'

const LIMIT = /^(?:[A-Z0-9_]+_MAX(?:_[A-Z0-9_]+)?|MAX_[A-Z0-9_]+|[a-z]\w*Max)$/

/** Every limit constant of a package or app is named in one of its tests. */
export const limitsLaw: Law = {
  name: 'every limit is named in a test',
  find: (repository) => {
    const tested = testedWords(repository)
    return repository.paths
      .filter((path) => isSource(path) && !isTest(path) && /^(packages|apps)\//.test(path))
      .flatMap((path) =>
        limitsIn(parse(repository, path))
          .filter(({ name }) => !tested.has(name))
          .map(({ name, line }) => ({
            path,
            line,
            what: `no test names the limit ${name}`,
            instead: 'export it and test at the limit and one beyond',
          })),
      )
  },
}

function testedWords(repository: Repository): Set<string> {
  const tests = repository.paths.filter((path) => isSource(path) && isTest(path))
  return new Set(tests.flatMap((path) => repository.read(path).match(/\w+/g) ?? []))
}

function limitsIn(file: ts.SourceFile): { readonly name: string; readonly line: number }[] {
  return file.statements.flatMap((statement) => {
    if (!ts.isVariableStatement(statement)) return []
    return statement.declarationList.declarations.flatMap((one) => {
      const name = ts.isIdentifier(one.name) ? one.name.text : ''
      const isValue = one.initializer !== undefined && !ts.isFunctionLike(one.initializer)
      return isValue && LIMIT.test(name) ? [{ name, line: lineOf(file, one) }] : []
    })
  })
}
