/** Recorded bytes say where they come from; a waived compliance case says why. */
import ts from 'typescript'
import type { Law, Offence } from '../law.ts'
import type { Repository } from '../repository.ts'
import { isSource, lineOf, parse, walk } from '../source.ts'

const VECTOR = /^packages\/.*\/vectors\/.+\.(pcap|pcapng|bin|hex|json)$/
const WORDS_MIN = 3
/** It plants bad waivers, to see them refused. */
const TESTS_OF_WAIVERS = 'packages/dataplane/test/compliance.test.ts'
/** What a provenance must say, so that somebody can record the same bytes again. */
const PROVENANCE: readonly { readonly says: RegExp; readonly what: string }[] = [
  { says: /\bkernel\b/i, what: 'the kernel' },
  { says: /\d{4}-\d{2}-\d{2}/, what: 'the date' },
  { says: /\bcommands?\b|```|^ {4}\S|\$ /im, what: 'the commands' },
]

/** Each recorded vector has a text beside it that says how it was recorded. */
export const vectorsLaw: Law = {
  name: 'every golden vector has its provenance beside it',
  find: (repository) =>
    repository.paths.filter((path) => VECTOR.test(path)).flatMap((path) => {
      const text = provenanceOf(repository, path)
      const missing = PROVENANCE.filter(({ says }) => !says.test(text)).map(({ what }) => what)
      if (missing.length === 0) return []
      const what = `the .md beside it does not tell ${missing.join(', ')}`
      return [{ path, what, instead: 'write kernel, commands and date' }]
    }),
}

/** `arp.tshark.json` is told about in `arp.tshark.md` or in `arp.md`. */
function provenanceOf(repository: Repository, path: string): string {
  const stem = path.replace(/\.[^./]*$/, '')
  if (stem === path) return ''
  return repository.read(`${stem}.md`) || provenanceOf(repository, stem)
}

/** Waivers of compliance cases carry a reason that a reader can judge. */
export const waiversLaw: Law = {
  name: 'every compliance waiver has a reason',
  find: (repository) =>
    repository.paths
      .filter((path) => isSource(path) && path !== TESTS_OF_WAIVERS)
      .flatMap((path) => waivers(repository, path)),
}

function waivers(repository: Repository, path: string): Offence[] {
  const file = parse(repository, path)
  const found: Offence[] = []
  walk(file, (node) => {
    for (const property of waiversOf(node)) {
      if (isReason(property)) continue
      const what = `the waiver ${property.name?.getText(file) ?? ''} has no reason`
      found.push({ path, line: lineOf(file, property), what, instead: 'say why, in a sentence' })
    }
  })
  return found
}

/** Entries of an object in `describeCompliance(…)`, or of one that is called `…waivers`. */
function waiversOf(node: ts.Node): readonly ts.ObjectLiteralElementLike[] {
  if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name)) {
    const isTable = /waivers$/i.test(node.name.text) && node.initializer !== undefined
    return isTable ? entries(node.initializer) : []
  }
  if (ts.isPropertyAssignment(node) && /^waivers$/i.test(node.name.getText())) {
    return entries(node.initializer)
  }
  const isCall = ts.isCallExpression(node) && ts.isIdentifier(node.expression)
  if (!isCall || node.expression.text !== 'describeCompliance') return []
  return node.arguments.slice(2).flatMap((argument) => entries(argument).filter(isCaseName))
}

function isCaseName(entry: ts.ObjectLiteralElementLike): boolean {
  return entry.name !== undefined && ts.isStringLiteral(entry.name) && entry.name.text.includes('/')
}

function entries(value: ts.Expression): readonly ts.ObjectLiteralElementLike[] {
  const isWrapped = ts.isAsExpression(value) || ts.isSatisfiesExpression(value)
  const inner = isWrapped ? value.expression : value
  return ts.isObjectLiteralExpression(inner) ? inner.properties : []
}

/** A text of some words; what is computed is left to the suite, which looks again when it runs. */
function isReason(property: ts.ObjectLiteralElementLike): boolean {
  if (!ts.isPropertyAssignment(property)) return true
  if (!ts.isStringLiteralLike(property.initializer)) return true
  return (property.initializer.text.match(/[A-Za-z]{2,}/g) ?? []).length >= WORDS_MIN
}
