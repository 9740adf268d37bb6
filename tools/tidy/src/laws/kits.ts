/** Test kits stay out of production: who may import `testing` and `compliance` doors. */
import type { Law } from '../law.ts'
import { isSource, isTest, moduleReferences, parse } from '../source.ts'

const KIT = /^@weft\/[^/]+\/(testing|compliance)$/

/** Sources, not tests, that may use a kit, and why. */
const MAY_USE_KITS: readonly { readonly under: string; readonly why: string }[] = [
  { under: 'packages/simulator/', why: 'it runs whole clusters on virtual time' },
  { under: 'packages/dataplane/src/compliance/', why: 'it is one, and describes its worlds' },
  { under: 'packages/dataplane-sim/src/lab/', why: 'it is the simulated world of the cases' },
  { under: 'tools/', why: 'labs, benchmarks and the demo build worlds' },
  { under: 'apps/weftd/src/doctor/', why: '`weftd doctor` runs compliance on a live host' },
]

/** Only tests, the simulator, tools and the doctor import a kit. */
export const kitsLaw: Law = {
  name: 'test kits are imported only by tests, the simulator, tools and the doctor',
  find: (repository) =>
    repository.paths
      .filter((path) => isSource(path) && !isTest(path))
      .filter((path) => !MAY_USE_KITS.some(({ under }) => path.startsWith(under)))
      .flatMap((path) =>
        moduleReferences(parse(repository, path))
          .filter(({ specifier }) => KIT.test(specifier))
          .map(({ specifier, line }) => ({
            path,
            line,
            what: `production code imports the test kit ${specifier}`,
            instead: 'take the port as an argument; the caller brings the real one',
          })),
      ),
}
