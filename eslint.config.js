/** Lint rules of the whole repository: direction of knowledge, purity, promises, types, form. */
import { readdirSync, readFileSync } from 'node:fs'
import nx from '@nx/eslint-plugin'
import tseslint from 'typescript-eslint'

/** What a layer may import from (ARCHITECTURE.md, "Layers"); tools/tidy checks it without nx. */
const layers = [
  [0, [0]],
  [1, [0]],
  [2, [0, 1]],
  [3, [0, 1, 2]],
  [4, [0, 1, 2]],
  [5, [0, 1, 2, 3, 4]],
  [6, [0, 1, 2, 3, 4, 5]],
]

const directionOf = (table) =>
  table.map(([layer, below]) => ({
    sourceTag: `layer:${layer}`,
    onlyDependOnLibsWithTags: below.map((other) => `layer:${other}`),
  }))
const direction = directionOf(layers)
/** Tests may look sideways: an agent is tested against a manager, not against a copy of it. */
const testDirection = directionOf(
  layers.map(([layer]) => [layer, layers.map(([other]) => other).filter((one) => one <= layer)]),
)
const purity = { sourceTag: 'io:pure', onlyDependOnLibsWithTags: ['io:pure'] }

const boundaries = (depConstraints) => [
  'error',
  {
    allow: [],
    banTransitiveDependencies: true,
    enforceBuildableLibDependency: false,
    depConstraints,
  },
]

/** Sources of the packages whose package.json says `io:pure`. */
const pureSources = readdirSync(`${import.meta.dirname}/packages`)
  .filter((name) => {
    const text = readFileSync(`${import.meta.dirname}/packages/${name}/package.json`, 'utf8')
    return JSON.parse(text).nx.tags.includes('io:pure')
  })
  .map((name) => `packages/${name}/src/**/*.ts`)

const clock = 'take `now: Instant` as an argument, or use the Clock port'
const tables = 'floating point differs between machines: use an integer table'

const barrel = {
  selector: 'ExportAllDeclaration[exported=null]',
  message: 'No `export *`: name what the door lets through.',
}

export default tseslint.config(
  {
    ignores: [
      '**/dist/',
      '**/generated/',
      '**/node_modules/',
      '.nx/',
      'coverage/',
      'test-e2e/artifacts/',
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { project: ['./tsconfig.json'], tsconfigRootDir: import.meta.dirname },
    },
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': boundaries([...direction, purity]),
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_' },
      ],
      // An async method that awaits nothing keeps a port's promise; that is not a mistake.
      '@typescript-eslint/require-await': 'off',
      // The type arguments of a factory are its documentation.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      // A predicate on `this` or a void port method is not confusing here.
      '@typescript-eslint/no-invalid-void-type': 'off',
      eqeqeq: 'error',
      quotes: ['error', 'single', { avoidEscape: true, allowTemplateLiterals: true }],
      semi: ['error', 'never'],
      'no-restricted-syntax': ['error', barrel],
    },
  },
  {
    files: ['packages/*/src/**/*.ts', 'apps/*/src/**/*.ts'],
    rules: {
      'no-console': 'error',
      'no-restricted-syntax': [
        'error',
        barrel,
        {
          selector: 'ExportDefaultDeclaration',
          message: 'No default export: a thing has one name everywhere.',
        },
      ],
    },
  },
  {
    files: pureSources,
    rules: {
      'no-restricted-globals': [
        'error',
        { name: 'Date', message: `No ambient time: ${clock}.` },
        { name: 'setTimeout', message: 'No timers in a pure package: return `nextDeadline()`.' },
        { name: 'setInterval', message: 'No timers in a pure package: return `nextDeadline()`.' },
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'No ambient chance: use the Random port.' },
        ...['log', 'log2', 'log10', 'pow', 'exp', 'sqrt', 'sin', 'cos'].map((property) => ({
          object: 'Math',
          property,
          message: `Not reproducible: ${tables}.`,
        })),
        { object: 'crypto', property: 'randomUUID', message: 'Use the Entropy port.' },
        { object: 'Promise', property: 'race', message: 'A race is decided by the scheduler.' },
      ],
    },
  },
  {
    files: ['**/test/**/*.ts', 'test-e2e/**/*.ts'],
    rules: {
      // Tests of a pure package may stand on real ports, which it names as devDependencies.
      '@nx/enforce-module-boundaries': boundaries(testDirection),
      'no-restricted-properties': [
        'error',
        { object: 'vi', property: 'mock', message: 'The seam is wrong: pass a double in.' },
        { object: 'vi', property: 'useFakeTimers', message: 'Use core/testing: VirtualClock.' },
        { object: 'Math', property: 'random', message: 'Use a seeded Random, or fast-check.' },
      ],
      // `expect.any(…)` is an `any`, and `expect(object.method)` does not call it.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/unbound-method': 'off',
      // Test names and failure texts may show anything.
      '@typescript-eslint/restrict-template-expressions': 'off',
    },
  },
)
