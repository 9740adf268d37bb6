/** package.json files, the lockfile and the licences of what is installed. */
import type { Law, Offence } from '../law.ts'
import { listPackages, type Manifest, type Package } from '../packages.ts'
import type { Repository } from '../repository.ts'

const CONFIG = /\.(json|js|cjs|mjs|ts|yaml|yml|rc)$/
const CONFIG_ALLOWED = new Set(['package.json', 'tsconfig.json'])

/** Each workspace has the same manifest form and no config of its own. */
export const manifestsLaw: Law = {
  name: 'every package has the house manifest and three config files',
  find: (repository) => {
    const packages = listPackages(repository)
    return packages.flatMap((one) => [
      ...manifestOf(repository, packages, one),
      ...extraConfig(repository, one),
    ])
  },
}

function manifestOf(
  repository: Repository,
  packages: readonly Package[],
  one: Package,
): Offence[] {
  const path = `${one.folder}/package.json`
  const { manifest } = one
  const always = [
    [/^@weft\/[a-z0-9-]+$/.test(manifest.name ?? ''), 'its name', '@weft/<folder>'],
    [one.name === `@weft/${one.folder.split('/').at(-1) ?? ''}`, 'its name', 'that of its folder'],
    [/^[A-Z].{20,}[^.]$/.test(one.description), 'its description', 'a phrase, no full stop'],
    [manifest.license === 'Apache-2.0', 'its licence', 'Apache-2.0'],
    [manifest.type === 'module', 'its type', 'module'],
    [repository.has(`${one.folder}/tsconfig.json`), 'tsconfig.json', 'one that extends the base'],
    [hasIoTag(manifest), 'its io tag', 'io:pure or io:node'],
    [sameVersions(packages, one), 'versions of @weft packages', 'the version they have here'],
  ] as const
  const whenPublished = [
    [manifest.sideEffects === false, '`sideEffects`', 'false'],
    [manifest.engines?.['node'] !== undefined, '`engines.node`', 'a range'],
    [filesAreSafe(one), '`files`', '["dist", "src"]'],
    [one.doors.size > 0, '`exports`', 'a door with @weft/source, types, default'],
    [
      [...one.doors.keys()].every((door) => isWholeDoor(one, door)),
      '`exports`',
      'for each door @weft/source, types, default, in this order and in step',
    ],
  ] as const
  return [...always, ...(one.published ? whenPublished : [])]
    .filter(([ok]) => !ok)
    .map(([, what, instead]) => ({ path, what: `${what} is not in the house form`, instead }))
}

function hasIoTag(manifest: Manifest): boolean {
  return (manifest.nx?.tags ?? []).some((tag) => /^io:(pure|node)$/.test(tag))
}

function sameVersions(packages: readonly Package[], one: Package): boolean {
  const { dependencies = {}, devDependencies = {} } = one.manifest
  return Object.entries({ ...dependencies, ...devDependencies }).every(([name, range]) => {
    const other = packages.find((candidate) => candidate.name === name)
    return other === undefined || range === other.manifest.version
  })
}

function filesAreSafe(one: Package): boolean {
  const files = one.manifest.files ?? []
  return files.length > 0 && files.every((file) => file === 'dist' || file === 'src')
}

/** The built files lie where the sources do, and the order of conditions is the one that works. */
function isWholeDoor(one: Package, door: string): boolean {
  const targets = one.manifest.exports?.[door] ?? {}
  const stem = /^\.\/src\/(.+)\.ts$/.exec(targets['@weft/source'] ?? '')?.[1]
  if (stem === undefined) return false
  const inOrder = Object.keys(targets).join() === '@weft/source,types,default'
  const inStep =
    targets['types'] === `./dist/${stem}.d.ts` && targets['default'] === `./dist/${stem}.js`
  return inOrder && inStep
}

function extraConfig(repository: Repository, one: Package): Offence[] {
  return repository.paths
    .filter((path) => path.startsWith(`${one.folder}/`))
    .filter((path) => path.split('/').length === one.folder.split('/').length + 1)
    .filter((path) => CONFIG.test(path) && !CONFIG_ALLOWED.has(path.split('/').at(-1) ?? ''))
    .filter((path) => !path.endsWith('.ts'))
    .map((path) => ({ path, what: 'a config file of its own', instead: 'put it into the root' }))
}

interface LockedPackage {
  readonly version?: string
  readonly resolved?: string
  readonly license?: string
  readonly link?: boolean
}

/** Licences that a dependency may have: permissive ones, which ask for no more than a notice. */
const LICENCES = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'CC-BY-4.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MIT-0',
  'Python-2.0',
  'Unlicense',
])
/** Others, one by one, and why each is acceptable. */
const LICENCE_EXCEPTIONS: readonly { readonly name: RegExp; readonly why: string }[] = [
  {
    name: /^node_modules\/lightningcss(-[a-z0-9-]+)?$/,
    why: 'MPL-2.0: vite uses it unchanged when tests run, and nothing of it is published',
  },
  {
    name: /^node_modules\/(ssh2|buildcheck|cpu-features)$/,
    why: 'MIT, in the old `licenses` form that lockfiles leave out; dockerode, in tests, needs it',
  },
]

/** The lockfile names no host: it installs from whatever registry the machine has. */
export const lockfileLaw: Law = {
  name: 'the lockfile names no host, and every licence in it is permissive',
  find: (repository) => {
    const path = 'package-lock.json'
    const lock = JSON.parse(repository.read(path) || '{}') as {
      readonly packages?: Readonly<Record<string, LockedPackage>>
    }
    return Object.entries(lock.packages ?? {})
      .filter(([name]) => name.includes('node_modules/'))
      .flatMap(([name, one]) => lockedOffences(path, name, one))
  },
}

function lockedOffences(path: string, name: string, one: LockedPackage): Offence[] {
  const found: Offence[] = []
  if (/^[a-z+]+:/.test(one.resolved ?? '')) {
    const instead = 'keep omit-lockfile-registry-resolved in .npmrc and install again'
    found.push({ path, what: `${name} is resolved to a host`, instead })
  }
  const isExcepted = LICENCE_EXCEPTIONS.some((exception) => exception.name.test(name))
  if (one.link === true || isExcepted) return found
  const licence = one.license ?? 'none named'
  if (!isPermissive(licence)) {
    const instead = 'another package, or an exception with its reason'
    found.push({ path, what: `${name} has the licence ${licence}`, instead })
  }
  return found
}

function isPermissive(licence: string): boolean {
  const choices = licence.replace(/[()]/g, '').split(' OR ')
  return choices.some((choice) => choice.split(' AND ').every((one) => LICENCES.has(one)))
}

// Hosts of registries, spelt in parts so that this file keeps its own law.
const REGISTRY_HOST = new RegExp(
  ['registry\\.npm' + 'js\\.org', 'registry\\.yarn' + 'pkg\\.com', '_auth' + 'Token'].join('|'),
)

/** No text names a registry: that is the machine's business. */
export const registryLaw: Law = {
  name: 'no file names a package registry',
  find: (repository) =>
    repository.paths
      .filter((path) => /\.(ts|js|cjs|mjs|json|md|yml|yaml|sh)$|(^|\/)\.[^/]+$|\/run$/.test(path))
      .flatMap((path) =>
        repository
          .read(path)
          .split('\n')
          .flatMap((text, index) => {
            const host = REGISTRY_HOST.exec(text)?.[0]
            if (host === undefined) return []
            const instead = 'leave it to the npm configuration of the machine'
            return [{ path, line: index + 1, what: host, instead }]
          }),
      ),
}
