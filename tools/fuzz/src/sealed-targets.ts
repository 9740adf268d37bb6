/** Encrypted networks under everything that can happen to them. */
import { SeededRandom } from '@weft/core/testing'
import { Choices, SealedWorld } from './sealed-world.ts'
import { sealedInbound } from './sealed-inbound.ts'
import type { FuzzTarget } from './target.ts'

/** Choices in one life, and lives to begin with. */
const CHOICES = 400
const LIVES = 64

/** A life is hundreds of packets through real ciphers. */
const LIFE_MS_MAX = 60_000

function lives(): readonly Uint8Array[] {
  return Array.from({ length: LIVES }, (_, i) => {
    const random = new SeededRandom(`life ${i}`)
    return Uint8Array.from({ length: CHOICES }, () => random.below(256))
  })
}

/** The sealed world, where an input is what happens in it, and the way in. */
export const sealedTargets: readonly FuzzTarget[] = [
  {
    name: 'sealed/world',
    about: 'switches, keys that change, a hostile wire: no clear text, nothing forged or twice',
    corpus: lives,
    run: (bytes, start, end) => new SealedWorld(new Choices(bytes, start, end)).run(),
    smokeCases: 100,
    isProgram: true,
    caseMsMax: LIFE_MS_MAX,
  },
  sealedInbound,
]
