import { describe, expect, test } from 'vitest'
import { errorCodesLaw } from '../src/laws/error-codes.ts'
import { vectorsLaw, waiversLaw } from '../src/laws/evidence.ts'
import { limitsLaw } from '../src/laws/limits.ts'
import { lockfileLaw, manifestsLaw, registryLaw } from '../src/laws/manifests.ts'
import { linksLaw, readmeLaw, useExamples } from '../src/laws/markdown.ts'
import { door, findings, lawful, manifest, source } from './planted.ts'

const A = 'packages/a/src/a.ts'
const TEST = 'packages/a/test/a.test.ts'
const README = 'packages/a/README.md'
const readme = lawful[README] ?? ''

describe('limits', () => {
  const names = ['FRAME_BYTES_MAX', 'MAX_FRAME', 'queueLengthMax', 'QUEUE_MAX_FRAMES']

  test.each(names)('%s', (name) => {
    const files = { [A]: source(`export const ${name} = 9`) }
    expect(findings(limitsLaw, files)).toEqual([`${A}:2 no test names the limit ${name}`])
    expect(findings(limitsLaw, { ...files, [TEST]: `expect(${name})` })).toEqual([])
    expect(findings(limitsLaw, { ...files, [TEST]: `expect(${name}_OF_OTHERS)` })).toHaveLength(1)
  })

  test('a function that finds a maximum is no limit', () => {
    expect(findings(limitsLaw, { [A]: source('export const rowMax = () => 9') })).toEqual([])
  })
})

describe('error codes', () => {
  const files = { [A]: source('export type E = { ERR_FULL: { size: number } }') }
  const inTest = { [TEST]: "hasCode(error, 'ERR_FULL')" }
  const inTable = { [README]: `${readme}\n| \`ERR_FULL\` | when | what |` }

  test('one that is in no table and in no test is found twice', () => {
    expect(findings(errorCodesLaw, files)).toEqual([
      `${A}:2 ERR_FULL is not in a table of README.md`,
      `${A}:2 no test names ERR_FULL`,
    ])
    expect(findings(errorCodesLaw, { ...files, ...inTest })).toHaveLength(1)
    expect(findings(errorCodesLaw, { ...files, ...inTable })).toHaveLength(1)
    expect(findings(errorCodesLaw, { ...files, ...inTest, ...inTable })).toEqual([])
  })

  test('a mention outside a table, and a longer code, do not count', () => {
    const mentioned = { [README]: `${readme}\nERR_FULL is raised\n| ERR_FULLER | | |` }
    expect(findings(errorCodesLaw, { ...files, ...inTest, ...mentioned })).toHaveLength(1)
  })
})

describe('vectors', () => {
  const pcap = { 'packages/a/vectors/arp.pcapng': '' }
  const beside = (text: string): Record<string, string> => ({ 'packages/a/vectors/arp.md': text })

  test('bytes without provenance are found', () => {
    const found = 'packages/a/vectors/arp.pcapng the .md beside it does not tell'
    expect(findings(vectorsLaw, pcap)).toEqual([`${found} the kernel, the date, the commands`])
    const undated = beside('Kernel 6.18, by these commands')
    expect(findings(vectorsLaw, { ...pcap, ...undated })).toEqual([`${found} the date`])
    const whole = beside('Kernel 6.18, 2026-11-20, commands: ip link add')
    expect(findings(vectorsLaw, { ...pcap, ...whole })).toEqual([])
  })

  test('a second recording of the same name shares its text', () => {
    const files = { 'packages/a/vectors/arp.tshark.json': '{}' }
    const whole = beside('kernel 6.18, 2026-11-20\n```\ntshark\n```')
    expect(findings(vectorsLaw, { ...files, ...whole })).toEqual([])
  })
})

describe('waivers', () => {
  test.each([
    ["describeCompliance('sim', cases, lab, { 'apply/stale': '' })", 1],
    ["describeCompliance('sim', cases, lab, { 'apply/stale': 'later' })", 1],
    ["describeCompliance('sim', cases, { lab, waivers: { 'apply/stale': 'todo' } })", 1],
    ["export const simWaivers: Waivers = { 'apply/stale': '-' }", 1],
    ["describeCompliance('sim', cases, lab, { 'apply/stale': 'the model has no clock' })", 0],
    ["describeCompliance('sim', cases, lab)", 0],
  ])('%s', (code, count) => {
    expect(findings(waiversLaw, { [TEST]: code })).toHaveLength(count)
  })
})

describe('READMEs', () => {
  const found = (text: string): string[] => findings(readmeLaw, { [README]: text })

  test('another title, another order and a missing example are found', () => {
    expect(found(readme.replace('A package', 'The package'))).toEqual([
      `${README}:1 not the title of the package`,
    ])
    expect(found(readme.replace('## Limits\n', ''))).toHaveLength(1)
    expect(found(readme.replace('## Proof', '## Evidence'))).toHaveLength(1)
    expect(found(readme.replace('```ts', '```'))).toEqual([`${README} 0 examples under Use`])
  })

  test('a package without one is found; a tool may do without', () => {
    const files = { 'packages/b/package.json': manifest('packages/b') }
    expect(findings(readmeLaw, files)).toEqual(['packages/b/README.md there is none'])
    const tool = { 'tools/b/package.json': manifest('tools/b', { private: true }) }
    expect(findings(readmeLaw, tool)).toEqual([])
    expect(findings(readmeLaw, { ...tool, 'tools/b/README.md': '# B' })).toHaveLength(1)
  })

  test('examples are those under Use, with the line they begin on', () => {
    const use = '# A\n## Use\nSo:\n```ts\n## not a heading\nb()\n```\n'
    const text = `${use}## The idea\n\`\`\`ts\nc()\n\`\`\`\n`
    expect(useExamples(text)).toEqual([{ code: '## not a heading\nb()\n', line: 5 }])
    expect(useExamples('# A\n```ts\nb()\n```')).toEqual([])
  })
})

describe('links', () => {
  const found = (text: string): string[] => findings(linksLaw, { 'docs/b.md': text })

  test.each([
    ['[a](gone.md)', 1],
    ['[a](../packages/a/README.md)', 0],
    ['[a](../packages/a)', 0],
    ['[a](../packages/a/README.md#the-idea)', 0],
    ['[a](../packages/a/README.md#gone)', 1],
    ['# Here it is\n[a](#here-it-is)', 0],
    ['[a](#gone)', 1],
    ['[a](https://example.org)', 0],
    ['`[a](gone.md)` and\n```\n[a](gone.md)\n```', 0],
  ])('%s', (text, count) => {
    expect(found(text)).toHaveLength(count)
  })
})

describe('manifests', () => {
  test.each([
    [{ name: '@weft/z' }],
    [{ description: 'Short' }],
    [{ license: 'MIT' }],
    [{ type: 'commonjs' }],
    [{ nx: { tags: ['layer:2'] } }],
    [{ sideEffects: true }],
    [{ engines: {} }],
    [{ files: ['dist', 'src', 'test'] }],
    [{ exports: { '.': { types: './dist/index.d.ts', '@weft/source': './src/index.ts' } } }],
    [{ exports: { '.': { ...door('a'), types: './dist/b.d.ts' } } }],
    [{ dependencies: { '@weft/a': '^0.0.0' } }],
  ])('%j is found', (changes) => {
    const files = { 'packages/a/package.json': manifest('packages/a', changes) }
    expect(findings(manifestsLaw, files)).toHaveLength(1)
  })

  test('a missing or an additional config file is found', () => {
    expect(findings(manifestsLaw, { 'packages/a/.eslintrc.json': '{}' })).toHaveLength(1)
    const files = { 'packages/b/package.json': manifest('packages/b') }
    expect(findings(manifestsLaw, files)).toHaveLength(1)
  })
})

describe('the lockfile', () => {
  const locked = (one: object): Record<string, string> => ({
    'package-lock.json': JSON.stringify({ packages: { '': {}, 'node_modules/x': one } }),
  })

  test.each([
    [{ license: 'MIT' }, 0],
    [{ license: '(MIT OR GPL-3.0)' }, 0],
    [{ license: 'MIT AND GPL-3.0' }, 1],
    [{ license: 'LGPL-3.0' }, 1],
    [{}, 1],
    [{ link: true, resolved: 'packages/x' }, 0],
    [{ license: 'MIT', resolved: 'https://registry.example.org/x.tgz' }, 1],
    [{ license: 'MIT', resolved: 'git+ssh://git@example.org/x.git' }, 1],
  ])('%j', (one, count) => {
    expect(findings(lockfileLaw, locked(one))).toHaveLength(count)
  })

  test('a text that names a registry is found', () => {
    const host = ['registry', 'npmjs', 'org'].join('.')
    const files = { '.npmrc': `registry=https://${host}/\n` }
    expect(findings(registryLaw, files)).toHaveLength(1)
  })
})
