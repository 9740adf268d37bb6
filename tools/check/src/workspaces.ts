/** The workspaces of this repository, from its folders. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Workspace } from './steps.ts'

const PARENTS = ['packages', 'apps', 'tools']

/** Every folder with a package.json, as npm's `workspaces` has them. */
export function listWorkspaces(root: string): Workspace[] {
  const below = PARENTS.flatMap((parent) =>
    existsSync(join(root, parent))
      ? readdirSync(join(root, parent)).map((name) => ({ name, folder: `${parent}/${name}` }))
      : [],
  )
  return [...below, { name: 'test-e2e', folder: 'test-e2e' }]
    .filter(({ folder }) => existsSync(join(root, folder, 'package.json')))
    .map((one) => ({ ...one, project: projectName(join(root, one.folder, 'package.json')) }))
}

function projectName(file: string): string {
  const { name } = JSON.parse(readFileSync(file, 'utf8')) as { readonly name: string }
  return name
}
