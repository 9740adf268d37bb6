/** Terms of packages: found in their files and sources, or the build ends. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { licencesText, packagesOf } from '../src/licences.ts'
import { PlantedPackage } from './planted-package.ts'

const ROOT = join(import.meta.dirname, '../../..')
const APACHE = readFileSync(join(ROOT, 'LICENSE'), 'utf8')

test('modules are those of the innermost package', () => {
  const outer = '/r/node_modules/b'
  const inner = `${outer}/node_modules/@c/d`
  expect(packagesOf(['/r/src/a.ts', `${outer}/x.js`, `${inner}/y.js`])).toEqual([
    { folder: outer, modules: [`${outer}/x.js`] },
    { folder: inner, modules: [`${inner}/y.js`] },
  ])
})

test('a package without a file of terms has those it names, and what its sources say', () => {
  const wire = join(ROOT, 'node_modules/@bufbuild/protobuf/dist/esm/wire')
  const modules = ['varint.js', 'binary-encoding.js'].map((file) => join(wire, file))
  const text = licencesText(packagesOf(modules), APACHE)
  expect(text).toMatch(/@bufbuild\/protobuf [0-9.]+ \(\(Apache-2\.0 AND BSD-3-Clause\)\)/)
  expect(text).toMatch(/^Copyright 2008 Google Inc\. {2}All rights reserved\.$/m)
  expect(text).toMatch(/^Redistribution and use in source and binary forms/m)
  expect(text).toMatch(/^Copyright [0-9-]+ Buf Technologies, Inc\.$/m)
  expect(text).toContain(APACHE.trim())
})

test.each([
  ['MIT', '', /is under MIT, whose text/],
  ['BSD-3-Clause', '// Copyright 2001 Somebody\n', /is under BSD-3-Clause/],
  ['Apache-2.0 AND MIT', '', /is under MIT/],
])('%s without its text ends the build', (license, code, problem) => {
  using planted = new PlantedPackage({
    'node_modules/p/package.json': JSON.stringify({ name: 'p', version: '1.0.0', license }),
    'node_modules/p/main.js': code,
  })
  const packages = packagesOf([join(planted.folder, 'node_modules/p/main.js')])
  expect(() => licencesText(packages, APACHE)).toThrow(problem)
})
