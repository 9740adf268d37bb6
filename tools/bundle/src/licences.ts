/** The licences of what was bundled: those who receive a copy receive its notice too. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Names of files that packages keep their terms in. */
const TERMS = /^(licen[cs]e|copying|notice|copyright)/i
const COMMENT = /\/\*[\s\S]*?\*\/|(?:^[ \t]*\/\/[^\n]*\n)+/gm
const SAYS_WHOSE = /copyright/i
/** Licences whose whole text stands in headers of sources, by words that it must have. */
const WHOLE_IN_SOURCES: Readonly<Record<string, RegExp>> = {
  'BSD-3-Clause': /Redistribution and use[\s\S]*IN NO EVENT[\s\S]*SUCH DAMAGE/,
}
const RULE = '='.repeat(80)

/** A package of somebody else, and the modules of it that were bundled. */
export interface BundledPackage {
  readonly folder: string
  readonly modules: readonly string[]
}

/** The packages among modules, in the order of their names. */
export function packagesOf(modules: readonly string[]): BundledPackage[] {
  const found = new Map<string, string[]>()
  for (const path of modules) {
    const folder = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]
    if (folder !== undefined) found.set(folder, [...(found.get(folder) ?? []), path])
  }
  return [...found]
    .map(([folder, paths]) => ({ folder, modules: paths.sort() }))
    .sort((one, other) => (one.folder < other.folder ? -1 : 1))
}

/**
 * All their terms as one text; `apache` is the text of Apache-2.0, for those that only name it.
 * Throws for a package whose terms cannot be found.
 */
export function licencesText(packages: readonly BundledPackage[], apache: string): string {
  const parts = packages.map((one) => {
    const { name, version, license } = manifestOf(one.folder)
    const head = `${name} ${version} (${license})`
    return [RULE, head, RULE, ...termsOf(one, license, apache)].join('\n\n')
  })
  const intro = 'This program contains the following packages, under the terms that stand here.'
  return [intro, ...parts, ''].join('\n\n')
}

interface Manifest {
  readonly name: string
  readonly version: string
  readonly license: string
}

function manifestOf(folder: string): Manifest {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
  if (typeof manifest.license === 'string') return manifest
  throw new Error(`${folder} names no licence`)
}

function termsOf({ folder, modules }: BundledPackage, license: string, apache: string): string[] {
  const files = readdirSync(folder)
    .filter((file) => TERMS.test(file))
    .sort()
    .map((file) => readFileSync(join(folder, file), 'utf8').trim())
  const notices = noticesIn(modules)
  if (files.length > 0) return [...files, ...notices]
  const named = license.replace(/[()]/g, '').split(' AND ')
  const texts = named.flatMap((id) => {
    if (id === 'Apache-2.0') return [apache.trim()]
    if (notices.some((notice) => WHOLE_IN_SOURCES[id]?.test(notice) === true)) return []
    throw new Error(`${folder} is under ${id}, whose text I cannot find`)
  })
  return [...notices, ...texts]
}

/** What the modules themselves say of whose they are, each text once. */
function noticesIn(modules: readonly string[]): string[] {
  const all = modules.flatMap((path) => readFileSync(path, 'utf8').match(COMMENT) ?? [])
  return [...new Set(all.filter((text) => SAYS_WHOSE.test(text)).map(withoutMarks))]
}

function withoutMarks(comment: string): string {
  const lines = comment.replace(/^\/\*+!?|\*+\/$/g, '').split('\n')
  return lines.map((line) => line.replace(/^\s*(\/\/|\*)? ?/, '').trimEnd()).join('\n').trim()
}
