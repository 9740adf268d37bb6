/** What is printed is what Docker's client 20.10 prints of the same answers, byte for byte. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { recordedEngine, runWeft, type Answer, type Printed } from './recorded-engine.ts'

/** A command line, what the engine answered, and what Docker's client printed. */
interface Recording extends Printed {
  readonly words: readonly string[]
  readonly answers: readonly Answer[]
}

const path = new URL('../vectors/docker-20.10.24-output.json', import.meta.url)
const recordings = JSON.parse(readFileSync(path, 'utf8')) as readonly Recording[]

test('there is enough to compare', () => {
  expect(recordings.length).toBeGreaterThan(120)
})

for (const [index, { words, answers, out, err, status }] of recordings.entries()) {
  test(`${index}: docker ${words.join(' ')}`, async () => {
    await using engine = await recordedEngine(answers)
    const printed = await runWeft(words, engine.socketPath)
    const expected = { out: settled(out), err: renamed(err), status }
    expect({ ...printed, out: settled(printed.out) }).toEqual(expected)
  })
}

/** Docker's client lists runtimes in any order, and ends the line that a format failed in. */
function settled(out: string): string {
  const sorted = out.replace(/^ Runtimes: .*$/m, (line) => line.split(' ').sort().join(' '))
  return sorted === '\n' ? '' : renamed(sorted)
}

/**
 * Where the program names itself it has a name of its own; what the daemon says is the daemon's.
 * `node inspect` of 20.10 shows the insides of its error, which this one does not.
 */
function renamed(text: string): string {
  const lines = text.replace(/^Status: ([\s\S]*), Code: 1\n$/, '$1\n').split('\n')
  const own = (line: string): string => line.replace(/\bdocker (network|node|swarm)\b/g, 'weft $1')
  return lines.map((line) => (line.startsWith('Error response') ? line : own(line))).join('\n')
}
