/** Prints every offence, a line each: `node --conditions=@weft/source tools/tidy/src/main.ts`. */
import { join } from 'node:path'
import { describeOffence } from './law.ts'
import { laws } from './laws.ts'
import { openRepository } from './repository.ts'

const repository = openRepository(join(import.meta.dirname, '../../..'))
let total = 0
for (const law of laws) {
  const offences = law.find(repository)
  total += offences.length
  if (offences.length === 0) continue
  process.stdout.write(`\n${law.name}: ${offences.length} broken\n`)
  for (const offence of offences) process.stdout.write(`  ${describeOffence(offence)}\n`)
}
process.stdout.write(`\n${laws.length} laws, ${total} offences\n`)
process.exitCode = total === 0 ? 0 : 1
