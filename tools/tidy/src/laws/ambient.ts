/** Time and chance come in by ports: the few places where the real ones may be read. */
import ts from 'typescript'
import type { Law, Offence } from '../law.ts'
import type { Repository } from '../repository.ts'
import { isSource, isTest, lineOf, parse, walk } from '../source.ts'

/** Where the real clock and real chance are read, and why there. */
const ALLOWED: readonly { readonly under: string; readonly why: string }[] = [
  { under: 'packages/runtime-node/src/', why: 'it is the clock and the chance of Node' },
  { under: 'tools/', why: 'tools measure real time' },
  { under: 'test-e2e/', why: 'it waits for the real world' },
]
const AMBIENT = new Map([
  ['Math.random', 'a Random from the runtime (seeded, forked by label)'],
  ['Date.now', 'clock.now() or, for people, clock.wall()'],
  ['performance.now', 'clock.now()'],
  ['process.hrtime', 'clock.now()'],
])

/** Libraries and apps read time and chance from their Runtime. */
export const ambientLaw: Law = {
  name: 'the clock and chance are read in runtime-node and in tools only',
  find: (repository) =>
    repository.paths
      .filter((path) => isSource(path) && !isTest(path) && !/^[^/]+$/.test(path))
      .filter((path) => !ALLOWED.some(({ under }) => path.startsWith(under)))
      .flatMap((path) => usesIn(repository, path)),
}

function usesIn(repository: Repository, path: string): Offence[] {
  const file = parse(repository, path)
  const found: Offence[] = []
  walk(file, (node) => {
    const name = ambientName(node)
    const instead = AMBIENT.get(name)
    if (instead !== undefined) found.push({ path, line: lineOf(file, node), what: name, instead })
  })
  return found
}

function ambientName(node: ts.Node): string {
  if (ts.isNewExpression(node) && ts.isIdentifier(node.expression)) {
    return node.expression.text === 'Date' && !node.arguments?.length ? 'Date.now' : ''
  }
  if (!ts.isPropertyAccessExpression(node) || !ts.isIdentifier(node.expression)) return ''
  return `${node.expression.text}.${node.name.text}`
}
