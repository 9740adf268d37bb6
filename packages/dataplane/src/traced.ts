/** A dataplane that tells a log what it is asked and how it answers. */
import { describeError, type Clock, type Logger } from '@weft/core'
import type { ApplyReport, Dataplane } from './dataplane.ts'
import type { DesiredState } from './desired-state.ts'

/** Failures named in one log line; the rest is a number. */
export const TRACED_FAILURES_MAX = 10

/**
 * The same dataplane with every verb and event logged: counts and names, never frames or keys.
 * Answers and errors pass through unchanged.
 */
export function traced(dataplane: Dataplane, ports: { log: Logger; clock: Clock }): Dataplane {
  const log = ports.log.child({ backend: dataplane.backend })
  dataplane.events.on('drift', ({ items, failures }) => {
    log.warn('drift', { items: items.length, first: items[0], failures: failures.length })
  })
  dataplane.events.on('failed', ({ error }) => log.error('failed', { error: describeError(error) }))
  const verb = tracer(log, ports.clock)
  return {
    backend: dataplane.backend,
    capabilities: dataplane.capabilities,
    events: dataplane.events,
    apply: (desired) =>
      verb(
        'apply',
        () => dataplane.apply(desired),
        (report) => outcome(desired, report),
      ),
    observe: () =>
      verb(
        'observe',
        () => dataplane.observe(),
        ({ items, foreign }) => ({
          items: items.size,
          foreign: foreign.length,
        }),
      ),
    counters: () =>
      verb(
        'counters',
        () => dataplane.counters(),
        ({ transmitted, received, drift }) => ({
          transmitted,
          received,
          drift,
        }),
      ),
    close: (mode) =>
      verb(
        'close',
        () => dataplane.close(mode),
        () => ({ mode }),
      ),
    [Symbol.asyncDispose]: () =>
      verb(
        'dispose',
        async () => dataplane[Symbol.asyncDispose](),
        () => ({}),
      ),
  }
}

type Fields = { readonly [name: string]: unknown }

/** Runs a verb and logs how it went and how long it took. */
type Verb = <Result>(
  operation: string,
  run: () => Promise<Result>,
  answered: (result: Result) => Fields,
) => Promise<Result>

function tracer(log: Logger, clock: Clock): Verb {
  return async (operation, run, answered) => {
    const start = clock.now()
    const ms = (): number => clock.now() - start
    try {
      const result = await run()
      log.debug(operation, { ...answered(result), ms: ms() })
      return result
    } catch (error) {
      log.warn(`${operation} refused`, { error: describeError(error), ms: ms() })
      throw error
    }
  }
}

/** What was asked as counts, and what came of it. */
function outcome(desired: DesiredState, report: ApplyReport): Fields {
  const { outcome, changed, collected, failures } = report
  const first = failures.slice(0, TRACED_FAILURES_MAX)
  const named = first.map(({ item, error }) => `${item} ${error.code}`)
  const answer = { outcome, changed, collected: collected.length, failures: failures.length, named }
  return { ...summary(desired), ...answer }
}

function summary({ generation, peers, networks }: DesiredState): Fields {
  let local = 0
  let remote = 0
  for (const network of networks.values()) {
    local += network.local.size
    remote += network.remote.size
  }
  return { generation, peers: peers.size, networks: networks.size, local, remote }
}
