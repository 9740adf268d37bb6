/** The packages of the repository, read from their package.json. */
import type { Repository } from './repository.ts'

/** What the laws need to know of a workspace. */
export interface Package {
  readonly name: string
  /** `packages/wire` */
  readonly folder: string
  readonly description: string
  readonly layer: number | null
  readonly pure: boolean
  readonly published: boolean
  readonly dependencies: readonly string[]
  /** What its tests may import besides: devDependencies, which nobody else installs. */
  readonly testDependencies: readonly string[]
  /** Subpath to source file, such as `./testing` to `packages/core/src/testing/index.ts`. */
  readonly doors: ReadonlyMap<string, string>
  readonly manifest: Manifest
}

/** The fields of a package.json that a law reads. */
export interface Manifest {
  readonly name?: string
  readonly version?: string
  readonly description?: string
  readonly license?: string
  readonly type?: string
  readonly private?: boolean
  readonly sideEffects?: boolean
  readonly engines?: Readonly<Record<string, string>>
  readonly files?: readonly string[]
  readonly exports?: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly nx?: { readonly tags?: readonly string[]; readonly targets?: object }
}

const WORKSPACE = /^((packages|apps|tools)\/[^/]+|test-e2e)\/package\.json$/

/** All workspaces, in the order of their folders. */
export function listPackages(repository: Repository): Package[] {
  return repository.paths
    .filter((path) => WORKSPACE.test(path))
    .map((path) => packageOf(path, JSON.parse(repository.read(path)) as Manifest))
}

/** The workspace that a file belongs to. */
export function packageAt(packages: readonly Package[], path: string): Package | undefined {
  return packages.find(({ folder }) => path.startsWith(`${folder}/`))
}

function packageOf(path: string, manifest: Manifest): Package {
  const folder = path.slice(0, -'/package.json'.length)
  const tags = manifest.nx?.tags ?? []
  const layer = tags.find((tag) => tag.startsWith('layer:'))
  return {
    name: manifest.name ?? folder,
    folder,
    description: manifest.description ?? '',
    layer: layer === undefined ? null : Number(layer.slice('layer:'.length)),
    pure: tags.includes('io:pure'),
    published: manifest.private !== true,
    dependencies: Object.keys(manifest.dependencies ?? {}),
    testDependencies: Object.keys(manifest.devDependencies ?? {}),
    doors: doorsOf(folder, manifest),
    manifest,
  }
}

function doorsOf(folder: string, manifest: Manifest): Map<string, string> {
  const doors = new Map<string, string>()
  for (const [subpath, targets] of Object.entries(manifest.exports ?? {})) {
    const source = targets['@weft/source']
    if (source !== undefined) doors.set(subpath, `${folder}/${source.slice('./'.length)}`)
  }
  return doors
}
