/** TypeScript sources of a repository, parsed once each. */
import ts from 'typescript'
import type { Repository } from './repository.ts'

const parsed = new Map<string, { readonly text: string; readonly file: ts.SourceFile }>()

/** The syntax tree of a file. */
export function parse(repository: Repository, path: string): ts.SourceFile {
  const text = repository.read(path)
  const known = parsed.get(path)
  if (known !== undefined && known.text === text) return known.file
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  parsed.set(path, { text, file })
  return file
}

/** The line of a node, from 1. */
export function lineOf(file: ts.SourceFile, node: ts.Node): number {
  return file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1
}

/** Calls `visit` for a node and everything below it, parents first. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node)
  ts.forEachChild(node, (child) => {
    walk(child, visit)
  })
}

/** A module that a file names, however it names it. */
export interface ModuleReference {
  readonly specifier: string
  readonly line: number
}

/** All modules a file names: imports, re-exports, dynamic imports, and types by `import('…')`. */
export function moduleReferences(file: ts.SourceFile): ModuleReference[] {
  const found: ModuleReference[] = []
  walk(file, (node) => {
    const specifier = specifierOf(node)
    if (specifier !== undefined && ts.isStringLiteralLike(specifier)) {
      found.push({ specifier: specifier.text, line: lineOf(file, node) })
    }
  })
  return found
}

function specifierOf(node: ts.Node): ts.Node | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return node.argument.literal
  if (!ts.isCallExpression(node)) return undefined
  const callee = node.expression
  const isImport = callee.kind === ts.SyntaxKind.ImportKeyword
  const isRequire = ts.isIdentifier(callee) && callee.text === 'require'
  const isResolve = ts.isPropertyAccessExpression(callee) && isImportMetaResolve(callee)
  return isImport || isRequire || isResolve ? node.arguments[0] : undefined
}

function isImportMetaResolve(node: ts.PropertyAccessExpression): boolean {
  return ts.isMetaProperty(node.expression) && node.name.text === 'resolve'
}

/** The package that a specifier names, whichever of its doors it goes through. */
export function packageNamed(specifier: string): string {
  return specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/')
}

/** True for a file that tests something: it may be longer, and may import test kits. */
export function isTest(path: string): boolean {
  return /(^|\/)test\//.test(path) || path.startsWith('test-e2e/')
}

/** True for TypeScript and JavaScript of ours. */
export function isSource(path: string): boolean {
  const isOurs = !path.endsWith('.d.ts') && !path.includes('/generated/')
  return isOurs && /\.(ts|mts|cts|js|mjs|cjs)$/.test(path)
}
