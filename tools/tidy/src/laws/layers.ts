/** Imports point down: the layer table of ARCHITECTURE.md, checked without nx. */
import type { Law, Offence } from '../law.ts'
import { listPackages, packageAt, type Package } from '../packages.ts'
import type { Repository } from '../repository.ts'
import { isSource, isTest, moduleReferences, packageNamed, parse } from '../source.ts'

/** Which layers a layer may import from. */
export const LAYERS_BELOW: ReadonlyMap<number, readonly number[]> = new Map([
  [0, [0]],
  [1, [0]],
  [2, [0, 1]],
  [3, [0, 1, 2]],
  [4, [0, 1, 2]],
  [5, [0, 1, 2, 3, 4]],
  [6, [0, 1, 2, 3, 4, 5]],
])

/** What every workspace may use without naming it, for its tests and for the tools themselves. */
const FOR_ALL = new Set(['vitest', 'fast-check', 'typescript', 'eslint'])

/** Every import of every workspace goes to a layer below, through a door, and is declared. */
export const layersLaw: Law = {
  name: 'imports point down, through doors that package.json names',
  find: (repository) => {
    const packages = listPackages(repository)
    return [
      ...packages.flatMap((from) => untagged(from)),
      ...repository.paths
        .filter((path) => isSource(path) && packageAt(packages, path) !== undefined)
        .flatMap((path) => offencesOf(repository, packages, path)),
    ]
  },
}

function untagged(from: Package): Offence[] {
  if (from.layer !== null && LAYERS_BELOW.has(from.layer)) return []
  const what = `${from.name} has no known layer`
  const instead = 'add a tag layer:0 to layer:6 under nx.tags'
  return [{ path: `${from.folder}/package.json`, what, instead }]
}

function offencesOf(
  repository: Repository,
  packages: readonly Package[],
  path: string,
): Offence[] {
  const from = packageAt(packages, path)
  if (from === undefined) return []
  const importer = { from: isTest(path) ? inTests(from) : from, isTest: isTest(path) }
  return moduleReferences(parse(repository, path)).flatMap(({ specifier, line }) => {
    const target = new URL(specifier, `file:///${path}`).pathname.slice(1)
    const problem = specifier.startsWith('.')
      ? crossing(packages, from, target)
      : foreign(packages, importer, specifier)
    return problem === null ? [] : [{ path, line, ...problem }]
  })
}

type Problem = Pick<Offence, 'what' | 'instead'> | null

/** A relative path that leaves its own package. */
function crossing(packages: readonly Package[], from: Package, target: string): Problem {
  if (target.startsWith(`${from.folder}/`)) return null
  const owner = packageAt(packages, target)
  const instead = owner === undefined ? 'keep it inside the package' : `import ${owner.name}`
  return { what: `a relative import leaves ${from.folder}`, instead }
}

/** Tests of a pure package may stand on real ports: they name them as devDependencies. */
function inTests(from: Package): Package {
  return { ...from, pure: false, dependencies: [...from.dependencies, ...from.testDependencies] }
}

/** Who imports, and whether it is a test. */
interface Importer {
  readonly from: Package
  readonly isTest: boolean
}

function foreign(packages: readonly Package[], importer: Importer, specifier: string): Problem {
  const { from } = importer
  const name = packageNamed(specifier)
  if (specifier.startsWith('node:') || FOR_ALL.has(name)) return null
  const to = packages.find((one) => one.name === name)
  if (to?.name === from.name) return null
  if (!from.dependencies.includes(name)) {
    const instead = `add it to dependencies of ${from.folder}/package.json, if its layer allows it`
    return { what: `imports ${name}, which package.json does not name`, instead }
  }
  return to === undefined ? null : (tooHigh(importer, to) ?? noDoor(to, specifier))
}

/** Tests may also look sideways: an agent is tested against a manager, not against a copy of it. */
function tooHigh({ from, isTest }: Importer, to: Package): Problem {
  const layer = from.layer ?? -1
  const below = isTest
    ? [...LAYERS_BELOW.keys()].filter((other) => other <= layer)
    : (LAYERS_BELOW.get(layer) ?? [])
  if (!below.includes(to.layer ?? -1)) {
    const what = `layer ${from.layer} (${from.name}) imports layer ${to.layer} (${to.name})`
    const instead = `layer ${from.layer} may import layers ${below.join(', ')}: invert by a port`
    return { what, instead }
  }
  if (!from.pure || to.pure) return null
  const instead = 'declare a port in the pure package and implement it outside'
  return { what: `${from.name} is io:pure and imports ${to.name}, which is not`, instead }
}

function noDoor(to: Package, specifier: string): Problem {
  const subpath = `.${specifier.slice(to.name.length)}`
  if (to.doors.has(subpath)) return null
  const doors = [...to.doors.keys()].join(', ')
  return { what: `${specifier} is not exported by ${to.name}`, instead: `its doors: ${doors}` }
}
