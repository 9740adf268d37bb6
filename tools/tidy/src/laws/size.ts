/** Limits on files, functions, lines, parameters and classes. */
import ts from 'typescript'
import type { Law, Offence } from '../law.ts'
import type { Repository } from '../repository.ts'
import { isSource, isTest, lineOf, parse, walk } from '../source.ts'

export const FILE_LINES_MAX = 400
export const TEST_FILE_LINES_MAX = 800
export const FUNCTION_LINES_MAX = 70
export const LINE_COLUMNS_MAX = 100
export const PARAMETERS_MAX = 3
export const CLASS_MEMBERS_MAX = 12

/** Files that may be longer, and why; a list that only ever gets shorter is the goal. */
const LONG_FILES: ReadonlyMap<string, string> = new Map()

/** Files whose signatures may be wider, and why. */
const WIDE_SIGNATURES: ReadonlyMap<string, string> = new Map([
  ['packages/core/src/errors.ts', 'an error takes its cause last, as those of the language do'],
  ['packages/linux/src/syscalls.ts', 'they are the signatures of the C functions behind them'],
])
/** Classes that may have more members, and why. */
const WIDE_CLASSES: ReadonlyMap<string, string> = new Map([
  ['packages/linux/src/attribute-reader.ts', 'a method for each kind of attribute'],
  ['packages/linux/src/message-writer.ts', 'a method for each kind of attribute'],
])
/** A window of bytes is one thing in three parameters (ARCHITECTURE.md, "Codecs"). */
const WINDOW = 'bytes,start,end'

/** Calls that collect tests: their callback is a list of cases, not one deed. */
const SUITES = new Set(['describe'])

/** Files, functions, lines, parameter lists and classes stay small. */
export const sizeLaw: Law = {
  name: 'files, functions, lines, parameter lists and classes stay within their limits',
  find: (repository) =>
    repository.paths
      .filter(isSource)
      .flatMap((path) => [...longFile(repository, path), ...bigThings(repository, path)]),
}

function longFile(repository: Repository, path: string): Offence[] {
  const lines = repository.read(path).replace(/\n$/, '').split('\n')
  const limit = isTest(path) ? TEST_FILE_LINES_MAX : FILE_LINES_MAX
  const long =
    lines.length > limit && !LONG_FILES.has(path)
      ? [{ path, what: `${lines.length} lines, of ${limit}`, instead: 'split it by what changes' }]
      : []
  const wide = lines.flatMap((text, index) => {
    const columns = Array.from(text).length
    if (columns <= LINE_COLUMNS_MAX || /https?:\/\/\S{60,}/.test(text)) return []
    const what = `${columns} columns, of ${LINE_COLUMNS_MAX}`
    return [{ path, line: index + 1, what, instead: 'break the line' }]
  })
  return [...long, ...wide]
}

function bigThings(repository: Repository, path: string): Offence[] {
  const file = parse(repository, path)
  const found: Offence[] = []
  walk(file, (node) => {
    const problem = ts.isClassLike(node) ? bigClass(file, node) : bigFunction(file, node)
    if (problem !== null) found.push({ path, line: lineOf(file, node), ...problem })
  })
  return found
}

type Problem = Pick<Offence, 'what' | 'instead'> | null

function bigFunction(file: ts.SourceFile, node: ts.Node): Problem {
  if (!ts.isFunctionLike(node)) return null
  const parameters = countParameters(file, node)
  const isWide = parameters > PARAMETERS_MAX && !WIDE_SIGNATURES.has(file.fileName)
  if (isWide && !givenByOthers(node)) {
    const what = `${nameOf(file, node)} takes ${parameters} parameters, of ${PARAMETERS_MAX}`
    return { what, instead: 'take an options object' }
  }
  if (isSuite(node)) return null
  const { line: last } = file.getLineAndCharacterOfPosition(node.end)
  const lines = last + 2 - lineOf(file, node)
  if (lines <= FUNCTION_LINES_MAX) return null
  const what = `${nameOf(file, node)} has ${lines} lines, of ${FUNCTION_LINES_MAX}`
  return { what, instead: 'name its parts' }
}

function countParameters(file: ts.SourceFile, node: ts.SignatureDeclaration): number {
  const names = node.parameters.map(({ name }) => name.getText(file))
  const isWindow = names.slice(0, 3).join() === WINDOW
  return names.filter((name) => name !== 'this').length - (isWindow ? 2 : 0)
}

/** A callback's parameters are chosen by whoever calls it. */
function givenByOthers(node: ts.SignatureDeclaration): boolean {
  return (ts.isArrowFunction(node) || ts.isFunctionExpression(node)) && isArgument(node)
}

function isArgument(node: ts.Node): boolean {
  return ts.isCallExpression(node.parent) && node.parent.expression !== node
}

function isSuite(node: ts.SignatureDeclaration): boolean {
  if (!ts.isCallExpression(node.parent)) return false
  let callee: ts.Node = node.parent.expression
  while (ts.isCallExpression(callee) || ts.isPropertyAccessExpression(callee)) {
    callee = callee.expression
  }
  return ts.isIdentifier(callee) && SUITES.has(callee.text)
}

function nameOf(file: ts.SourceFile, node: ts.SignatureDeclaration): string {
  if (node.name !== undefined) return node.name.getText(file)
  if (ts.isConstructorDeclaration(node)) return 'the constructor'
  const { parent } = node
  return ts.isVariableDeclaration(parent) ? parent.name.getText(file) : 'a function'
}

function bigClass(file: ts.SourceFile, node: ts.ClassLikeDeclaration): Problem {
  const members = node.members.filter(isPublicMember).length
  if (members <= CLASS_MEMBERS_MAX || WIDE_CLASSES.has(file.fileName)) return null
  const what = `a class of ${members} public members, of ${CLASS_MEMBERS_MAX}`
  return { what, instead: 'one invariant a class: take another out of it' }
}

function isPublicMember(member: ts.ClassElement): boolean {
  if (ts.isConstructorDeclaration(member) || member.name === undefined) return false
  if (ts.isPrivateIdentifier(member.name)) return false
  const modifiers = ts.canHaveModifiers(member) ? (ts.getModifiers(member) ?? []) : []
  return !modifiers.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword)
}
