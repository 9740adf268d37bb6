import { describe, expect, test } from 'vitest'
import { ambientLaw } from '../src/laws/ambient.ts'
import { kitsLaw } from '../src/laws/kits.ts'
import { layersLaw } from '../src/laws/layers.ts'
import { purityLaw } from '../src/laws/purity.ts'
import { findings, manifest, source } from './planted.ts'

/** The lawful world plus `@weft/b` in some layer; `@weft/a`, in layer 2, names it as it should. */
function withB(layer: number, io: string, code: string): Record<string, string> {
  return {
    'packages/b/package.json': manifest('packages/b', { nx: { tags: [`layer:${layer}`, io] } }),
    'packages/a/package.json': manifest('packages/a', { dependencies: { '@weft/b': '0.0.0' } }),
    'packages/a/src/a.ts': source(code),
  }
}

describe('layers', () => {
  test.each([
    ['a value', "import { b } from '@weft/b'"],
    ['a type', "import type { B } from '@weft/b'"],
    ['a re-export', "export { b } from '@weft/b'"],
    ['a dynamic import', "export const later = () => import('@weft/b')"],
    ['a type by import()', "export type Later = import('@weft/b').B"],
    ['require', "const b = require('@weft/b')"],
    ['import.meta.resolve', "const at = import.meta.resolve('@weft/b')"],
  ])('an import of a layer above is found: %s', (_, code) => {
    const what = 'packages/a/src/a.ts:2 layer 2 (@weft/a) imports layer 3 (@weft/b)'
    expect(findings(layersLaw, withB(3, 'io:pure', code))).toEqual([what])
  })

  test('an import of the same layer is found, one of a layer below is not', () => {
    const code = "import { b } from '@weft/b'"
    expect(findings(layersLaw, withB(2, 'io:pure', code))).toHaveLength(1)
    expect(findings(layersLaw, withB(1, 'io:pure', code))).toEqual([])
  })

  test('a pure package that imports an impure one below it is found', () => {
    expect(findings(layersLaw, withB(1, 'io:node', "import { b } from '@weft/b'"))).toEqual([
      'packages/a/src/a.ts:2 @weft/a is io:pure and imports @weft/b, which is not',
    ])
  })

  test('an import that package.json does not name is found', () => {
    const files = withB(1, 'io:pure', "import { b } from '@weft/b'")
    const undeclared = { ...files, 'packages/a/package.json': manifest('packages/a') }
    expect(findings(layersLaw, undeclared)).toEqual([
      'packages/a/src/a.ts:2 imports @weft/b, which package.json does not name',
    ])
    expect(findings(layersLaw, { 'packages/a/src/a.ts': source("import 'koffi'") })).toEqual([
      'packages/a/src/a.ts:2 imports koffi, which package.json does not name',
    ])
  })

  test('tests may stand on impure ports below, named as devDependencies; sources may not', () => {
    const code = source("import { b } from '@weft/b'")
    const named = manifest('packages/a', { devDependencies: { '@weft/b': '0.0.0' } })
    const files = { ...withB(1, 'io:node', ''), 'packages/a/package.json': named }
    expect(findings(layersLaw, { ...files, 'packages/a/test/a.test.ts': code })).toEqual([])
    expect(findings(layersLaw, { ...files, 'packages/a/src/a.ts': code })).toEqual([
      'packages/a/src/a.ts:2 imports @weft/b, which package.json does not name',
    ])
    const above = { ...withB(3, 'io:node', ''), 'packages/a/package.json': named }
    expect(findings(layersLaw, { ...above, 'packages/a/test/a.test.ts': code })).toHaveLength(1)
  })

  test('a way in beside the doors is found', () => {
    const files = withB(1, 'io:pure', "import { b } from '@weft/b/src/b.ts'")
    expect(findings(layersLaw, files)).toEqual([
      'packages/a/src/a.ts:2 @weft/b/src/b.ts is not exported by @weft/b',
    ])
  })

  test('a relative path into another package is found', () => {
    const files = withB(1, 'io:pure', "import { b } from '../../b/src/b.ts'")
    expect(findings(layersLaw, files)).toEqual([
      'packages/a/src/a.ts:2 a relative import leaves packages/a',
    ])
  })

  test('a package without a layer is found', () => {
    const files = { 'packages/a/package.json': manifest('packages/a', { nx: { tags: [] } }) }
    expect(findings(layersLaw, files)).toEqual([
      'packages/a/package.json @weft/a has no known layer',
    ])
  })
})

describe('purity', () => {
  test.each([
    ["import fs from 'node:fs'", 'a pure package imports node:fs'],
    ["import koffi from 'koffi'", 'a pure package imports koffi'],
    ['const x = Math.random()', 'Math.random in a pure package'],
    ['const x = Math.log(2)', 'Math.log in a pure package'],
    ['const x = Math.pow(2, 8)', 'Math.pow in a pure package'],
    ['const x = Date.now()', 'Date.now in a pure package'],
    ['const x = new Date(0)', 'new Date in a pure package'],
    ['const x = performance.now()', 'performance.now in a pure package'],
    ['const x = Promise.race([])', 'Promise.race in a pure package'],
  ])('%s', (code, what) => {
    expect(findings(purityLaw, { 'packages/a/src/a.ts': source(code) })).toEqual([
      `packages/a/src/a.ts:2 ${what}`,
    ])
  })

  test('tests of a pure package, and impure packages, may', () => {
    const code = source("import fs from 'node:fs'\nconst x = Date.now()")
    expect(findings(purityLaw, { 'packages/a/test/a.test.ts': code })).toEqual([])
    const impure = manifest('packages/a', { nx: { tags: ['layer:1', 'io:node'] } })
    const files = { 'packages/a/package.json': impure, 'packages/a/src/a.ts': code }
    expect(findings(purityLaw, files)).toEqual([])
  })

  test('a folder with a tsconfig.json of its own is pure, whatever its package is', () => {
    const impure = manifest('packages/a', { nx: { tags: ['layer:1', 'io:node'] } })
    const code = source("import '../b.ts'\nimport './c/d.ts'\nimport '@weft/a'\nDate.now()")
    const files = {
      'packages/a/package.json': impure,
      'packages/a/src/core/tsconfig.json': '{ "extends": "../../../../tsconfig.base.json" }',
      'packages/a/src/core/a.ts': code,
      'packages/a/src/b.ts': code,
    }
    expect(findings(purityLaw, files)).toEqual([
      'packages/a/src/core/a.ts:2 pure sources import ../b.ts',
      'packages/a/src/core/a.ts:4 pure sources import @weft/a',
      'packages/a/src/core/a.ts:5 Date.now in a pure package',
    ])
  })

  test('a compiler that was told to look away is found', () => {
    const base = '"extends": "../../tsconfig.base.json"'
    const loose = `{ ${base}, "compilerOptions": { "types": ["node"], "lib": ["dom"] } }`
    expect(findings(purityLaw, { 'packages/a/tsconfig.json': loose })).toEqual([
      'packages/a/tsconfig.json sets `types` in a pure package',
      'packages/a/tsconfig.json sets `lib` in a pure package',
    ])
    expect(findings(purityLaw, { 'packages/a/tsconfig.json': '{}' })).toEqual([
      'packages/a/tsconfig.json does not extend the strict base',
    ])
  })
})

describe('ambient time and chance', () => {
  test.each(['Math.random()', 'Date.now()', 'new Date()', 'performance.now()'])('%s', (code) => {
    const text = source(`const x = ${code}`)
    expect(findings(ambientLaw, { 'apps/weftd/src/main.ts': text })).toHaveLength(1)
    expect(findings(ambientLaw, { 'tools/bench/src/main.ts': text })).toEqual([])
  })

  test('a date made of a number given is nobody’s clock', () => {
    expect(findings(ambientLaw, { 'apps/x/src/a.ts': source('const x = new Date(7)') })).toEqual([])
  })
})

describe('test kits', () => {
  const kit = source("import { virtualClock } from '@weft/core/testing'")

  test('production code that imports one is found', () => {
    expect(findings(kitsLaw, { 'packages/a/src/a.ts': kit })).toEqual([
      'packages/a/src/a.ts:2 production code imports the test kit @weft/core/testing',
    ])
    const suite = source("export type Cases = import('@weft/dataplane/compliance').Cases")
    expect(findings(kitsLaw, { 'apps/weftd/src/main.ts': suite })).toHaveLength(1)
  })

  test.each([
    'packages/a/test/a.test.ts',
    'packages/simulator/src/cluster.ts',
    'tools/lab/src/lab.ts',
    'apps/weftd/src/doctor/doctor.ts',
    'test-e2e/demo/demo.e2e.ts',
  ])('%s may', (path) => {
    expect(findings(kitsLaw, { [path]: kit })).toEqual([])
  })

  test('a door of another name is none', () => {
    const code = source("import { later } from '@weft/core/later'")
    expect(findings(kitsLaw, { 'packages/a/src/a.ts': code })).toEqual([])
  })
})
