/** Pure packages touch neither Node nor the DOM nor the clock nor ambient chance. */
import ts from 'typescript'
import type { Law, Offence } from '../law.ts'
import { listPackages } from '../packages.ts'
import type { Repository } from '../repository.ts'
import {
  isSource,
  isTest,
  lineOf,
  moduleReferences,
  packageNamed,
  parse,
  walk,
} from '../source.ts'

/** Members of globals that differ between runs or machines, with what to use in pure code. */
const IMPURE_MEMBERS: ReadonlyMap<string, string> = new Map([
  ['Math.random', 'the Random port'],
  ...['log', 'log2', 'log10', 'log1p', 'pow', 'exp', 'sqrt', 'cbrt', 'sin', 'cos', 'tan'].map(
    (name) => [`Math.${name}`, 'an integer table: floating point differs by machine'] as const,
  ),
  ['Date.now', 'an Instant handed in, or the Clock port'],
  ['Date.parse', 'an Instant handed in, or the Clock port'],
  ['performance.now', 'an Instant handed in, or the Clock port'],
  ['crypto.randomUUID', 'the Entropy port'],
  ['Promise.race', 'a state machine: a race is decided by the scheduler'],
])

/** Third-party packages that pure packages may use, each with a record in docs/decisions. */
const PURE_DEPENDENCIES = new Set(['@bufbuild/protobuf', 'libsodium-wrappers'])

/** What the compiler cannot see about purity, and that nobody told it to look away. */
export const purityLaw: Law = {
  name: 'io:pure packages are pure',
  find: (repository) => {
    const pure = [
      ...listPackages(repository).filter((one) => one.pure),
      ...pureFolders(repository),
    ]
    return [
      ...pure.flatMap((one) => looseCompiler(repository, one.folder)),
      ...repository.paths
        .filter((path) => isSource(path) && !isTest(path))
        .flatMap((path) => {
          const within = pure.find(({ folder }) => path.startsWith(`${folder}/`))
          if (within === undefined) return []
          const at = { repository, path }
          return [...impureImports(at, within.folder), ...impureUses(repository, path)]
        }),
    ]
  },
}

/** A folder of sources with a tsconfig.json of its own is the pure part of a package with io. */
function pureFolders(repository: Repository): { readonly folder: string }[] {
  return repository.paths
    .map((path) => /^(packages\/[^/]+\/src\/.+)\/tsconfig\.json$/.exec(path)?.[1] ?? '')
    .filter((folder) => folder !== '')
    .map((folder) => ({ folder }))
}

function looseCompiler(repository: Repository, folder: string): Offence[] {
  const path = `${folder}/tsconfig.json`
  const { config } = ts.parseConfigFileTextToJson(path, repository.read(path)) as {
    readonly config?: { readonly compilerOptions?: object; readonly extends?: string }
  }
  const options = Object.keys(config?.compilerOptions ?? {})
  const loose = options.filter((option) => ['types', 'lib', 'typeRoots'].includes(option))
  const base = `${'../'.repeat(folder.split('/').length)}tsconfig.base.json`
  const inherits = config?.extends === base
  const instead = `extend ${base} and leave \`types\` and \`lib\` to it`
  if (!inherits) return [{ path, what: 'does not extend the strict base', instead }]
  return loose.map((option) => ({ path, what: `sets \`${option}\` in a pure package`, instead }))
}

interface At {
  readonly repository: Repository
  readonly path: string
}

function impureImports({ repository, path }: At, folder: string): Offence[] {
  const references = moduleReferences(parse(repository, path))
  const pure = listPackages(repository).flatMap((one) => (one.pure ? [one.name] : []))
  const leaving = references
    .filter(({ specifier }) => {
      const target = new URL(specifier, `file:///${path}`).pathname.slice(1)
      if (specifier.startsWith('.')) return !target.startsWith(`${folder}/`)
      return specifier.startsWith('@weft/') && !pure.includes(packageNamed(specifier))
    })
    .map(({ specifier, line }) => {
      const instead = 'hand it in, or move what is pure to where it may be had'
      return { path, line, what: `pure sources import ${specifier}`, instead }
    })
  return [...leaving, ...foreignImports(references, path)]
}

function foreignImports(references: ReturnType<typeof moduleReferences>, path: string): Offence[] {
  return references
    .filter(({ specifier }) => !specifier.startsWith('.') && !specifier.startsWith('@weft/'))
    .filter(({ specifier }) => !PURE_DEPENDENCIES.has(packageNamed(specifier)))
    .map(({ specifier, line }) => {
      const instead = 'declare a port in core and implement it in runtime-node or linux'
      return { path, line, what: `a pure package imports ${specifier}`, instead }
    })
}

function impureUses(repository: Repository, path: string): Offence[] {
  const file = parse(repository, path)
  const found: Offence[] = []
  walk(file, (node) => {
    const use = impureUse(node)
    if (use !== null) found.push({ path, line: lineOf(file, node), ...use })
  })
  return found
}

function impureUse(node: ts.Node): Pick<Offence, 'what' | 'instead'> | null {
  if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
    const member = `${node.expression.text}.${node.name.text}`
    const instead = IMPURE_MEMBERS.get(member)
    return instead === undefined ? null : { what: `${member} in a pure package`, instead }
  }
  const isDate = ts.isNewExpression(node) && ts.isIdentifier(node.expression)
  if (isDate && node.expression.text === 'Date') {
    return { what: 'new Date in a pure package', instead: 'an Instant handed in' }
  }
  return null
}
