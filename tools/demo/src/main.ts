/** `npm run demo`: enter a private world where the backend needs one, play, report, clean up. */
import { describeError, hasCode } from '@weft/core'
import { HELP, parseOptions, type DemoOptions } from './options.ts'
import { runDemo } from './run.ts'

const EXIT_CANNOT_RUN = 2

const words = process.argv.slice(2)
const parsed = parseOptions(words)
if (parsed.kind === 'help') process.stdout.write(HELP)
else if (parsed.kind === 'wrong') refuse(`${parsed.problem}\n\n${HELP}`)
else await start(parsed.options)

async function start(options: DemoOptions): Promise<void> {
  try {
    if (options.backend !== 'sim') await enterPrivateWorld()
    process.exitCode = await runDemo(options)
  } catch (error) {
    if (hasCode(error, 'ERR_TIER_UNAVAILABLE')) refuse(unavailable(error.details['missing']))
    else refuse(describeError(error))
  }
}

/** The lab is loaded only here: the simulation runs where the kernel's libraries are not. */
async function enterPrivateWorld(): Promise<void> {
  const { becomePrivate, insidePrivateWorld } = await import('@weft/lab')
  if (insidePrivateWorld()) return
  const script = process.argv[1] ?? ''
  await becomePrivate([process.execPath, '--conditions=@weft/source', script, ...words])
}

function unavailable(missing: unknown): string {
  const facts = Array.isArray(missing) ? missing.map((fact) => `  - ${String(fact)}\n`) : []
  return [
    'it needs root, or unprivileged user namespaces; this machine lacks:\n',
    ...facts,
    'without them: npm run demo -- --backend sim\n',
  ].join('')
}

function refuse(why: string): void {
  process.stderr.write(`demo: ${why.trimEnd()}\n`)
  process.exitCode = EXIT_CANNOT_RUN
}
