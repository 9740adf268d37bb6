/** The copy of the engine differs in one constant. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { DOCKER_PROGRAMS } from '../src/docker-tier.ts'
import { writeImpatientEngine } from '../src/impatient-engine.ts'

const lacking = existsSync(DOCKER_PROGRAMS.dockerd) ? '' : ' (this machine has no dockerd)'

describe.skipIf(lacking !== '')(`an engine whose keys are replaced often${lacking}`, () => {
  it('is the engine but for eight bytes', () => {
    const folder = mkdtempSync(join(tmpdir(), 'weft-engine-'))
    try {
      const file = writeImpatientEngine(join(folder, 'dockerd'), 2_000)
      const [usual, ours] = [readFileSync(DOCKER_PROGRAMS.dockerd), readFileSync(file)]
      const at = usual.indexOf(Buffer.from('0080a7484a270000', 'hex'))
      expect(ours.readBigInt64LE(at)).toBe(2_000_000_000n)
      usual.copy(ours, at, at, at + 8)
      expect(ours.equals(usual)).toBe(true)
      expect(statSync(file).mode & 0o777).toBe(0o755)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
