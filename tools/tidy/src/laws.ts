/** All laws, in the order in which a reader wants to hear of them. */
import type { Law } from './law.ts'
import { ambientLaw } from './laws/ambient.ts'
import { documentedLaw, firstLineLaw } from './laws/documented.ts'
import { defaultExportLaw, doorsLaw } from './laws/doors.ts'
import { errorCodesLaw } from './laws/error-codes.ts'
import { vectorsLaw, waiversLaw } from './laws/evidence.ts'
import { kitsLaw } from './laws/kits.ts'
import { layersLaw } from './laws/layers.ts'
import { limitsLaw } from './laws/limits.ts'
import { lockfileLaw, manifestsLaw, registryLaw } from './laws/manifests.ts'
import { linksLaw, readmeLaw } from './laws/markdown.ts'
import { fileNamesLaw, leftoversLaw, typeNamesLaw } from './laws/names.ts'
import { purityLaw } from './laws/purity.ts'
import { sizeLaw } from './laws/size.ts'
import { vocabularyLaw } from './laws/vocabulary.ts'

/** Every law that `npm test` holds this repository to. */
export const laws: readonly Law[] = [
  layersLaw,
  purityLaw,
  ambientLaw,
  kitsLaw,
  doorsLaw,
  defaultExportLaw,
  documentedLaw,
  firstLineLaw,
  sizeLaw,
  fileNamesLaw,
  typeNamesLaw,
  vocabularyLaw,
  leftoversLaw,
  limitsLaw,
  errorCodesLaw,
  vectorsLaw,
  waiversLaw,
  manifestsLaw,
  lockfileLaw,
  registryLaw,
  readmeLaw,
  linksLaw,
]
