/** Many endpoints by one command: each stands for itself, and what failed is named. */
import type { AttachJson, AttachmentJson, AttachOutcome } from '@weft/engine-api/client'
import { CommandFailure } from './command-failure.ts'
import type { Invocation } from './command.ts'
import { failureText } from './failure-text.ts'
import { CountProgress } from './output/progress.ts'
import { jsonOutput } from './output/rows.ts'

/**
 * Attach all of them at once. Prints NETWORK/NAME of each as it is up, or one list at the end for
 * --json; throws CommandFailure with a line for each that is not attached.
 */
export async function attachMany(
  invocation: Invocation,
  wanted: readonly AttachJson[],
): Promise<undefined> {
  const { client, options, out, err, signal, host } = invocation
  const outcomes: (AttachOutcome | undefined)[] = wanted.map(() => undefined)
  const isJson = options.has('json')
  // Names that go to a terminal are progress enough.
  const isShown = err.isTerminal && (isJson || !out.isTerminal)
  const progress = new CountProgress(isShown ? err : null, 'attaching endpoints', wanted.length)
  try {
    for await (const outcome of client.attachments.createEach(wanted, { signal })) {
      outcomes[outcome.index] = outcome
      progress.count()
      const { index, error } = outcome
      if (error === null && !isJson) out.write(`${labelOf(wanted[index])}\n`)
    }
  } finally {
    progress.end()
    // Also of a command that is interrupted: what is attached stays so.
    if (isJson) out.write(jsonOutput(wanted.flatMap((one, i) => resultOf(one, outcomes[i]))))
  }
  const failures = outcomes.flatMap((outcome) => {
    if (outcome === undefined || outcome.error === null) return []
    return [`${labelOf(wanted[outcome.index])}: ${failureText(outcome.error, host)}`]
  })
  if (failures.length === 0) return undefined
  const summary = `${failures.length} of ${wanted.length} not attached`
  throw new CommandFailure([...failures, summary].join('\n'))
}

function labelOf(wanted: AttachJson | undefined): string {
  return `${wanted?.network}/${wanted?.name}`
}

/** An endpoint that is not attached, among those that are: the fields that there are, and why. */
interface NotAttached extends Partial<AttachmentJson> {
  readonly state: 'failed'
  readonly code: string
}

/** Nothing for what is not known. */
function resultOf(
  { network, name, netns }: AttachJson,
  outcome: AttachOutcome | undefined,
): (AttachmentJson | NotAttached)[] {
  if (outcome === undefined) return []
  if (outcome.error === null) return [outcome.attachment]
  const { code, message: error } = outcome.error
  return [{ networkName: network, name, netns, state: 'failed', error, code }]
}
