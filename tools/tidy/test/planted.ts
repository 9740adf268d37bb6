/** A small world in which one law is broken at a time. */
import type { Law } from '../src/law.ts'
import { memoryRepository } from '../src/repository.ts'

/** A manifest in the house form. */
export function manifest(folder: string, changes: object = {}): string {
  const source = {
    name: `@weft/${folder.split('/').at(-1) ?? ''}`,
    version: '0.0.0',
    description: 'A package that exists only in this test',
    license: 'Apache-2.0',
    type: 'module',
    exports: { '.': door('index') },
    files: ['dist', 'src'],
    engines: { node: '>=22.12' },
    sideEffects: false,
    nx: { tags: ['layer:2', 'io:pure'] },
  }
  return JSON.stringify({ ...source, ...changes })
}

/** An entry of `exports`, for a source file given without folder and extension. */
export function door(stem: string): Record<string, string> {
  return {
    '@weft/source': `./src/${stem}.ts`,
    types: `./dist/${stem}.d.ts`,
    default: `./dist/${stem}.js`,
  }
}

/** The files of a package `@weft/a` in layer 2 that keeps every law. */
export const lawful: Readonly<Record<string, string>> = {
  'packages/a/package.json': manifest('packages/a'),
  'packages/a/tsconfig.json': '{ "extends": "../../tsconfig.base.json", "include": ["src"] }',
  'packages/a/src/index.ts': "/** A. */\nexport { a } from './a.ts'\n",
  'packages/a/src/a.ts': '/** What a is. */\n\n/** One of a. */\nexport const a = 1\n',
  'packages/a/README.md': [
    '# @weft/a — A package that exists only in this test',
    'It is here so that laws can be broken.',
    '## Use',
    '```ts',
    "import { a } from '@weft/a'",
    '```',
    ...['The idea', 'Limits', 'Failure', 'Boundaries', 'Proof', 'Not here'].map((h) => `## ${h}`),
  ].join('\n'),
  'docs/glossary.md': '| Say | Meaning | Not |\n| **backend** | a way | `driver` |\n',
}

/** What a law finds once `files` are added to the lawful world, as `path:line what`. */
export function findings(law: Law, files: Readonly<Record<string, string>>): string[] {
  const found = law.find(memoryRepository({ ...lawful, ...files }))
  return found.map(({ path, line, what }) => `${path}${line ? `:${line}` : ''} ${what}`)
}

/** A source file of `@weft/a` with a lawful head, so that code begins on line 2. */
export function source(code: string): string {
  return `/** What this file is. */\n${code}\n`
}
