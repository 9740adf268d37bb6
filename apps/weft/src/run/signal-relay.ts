/** Hands the signals that `weft run` gets on to the command it runs. */
import type { Surroundings } from '../surroundings.ts'
import type { RunningProcess } from './contained-process.ts'

/**
 * How many requests to end a command may ignore. As process 1 it ignores what it does not handle,
 * so without this it could only be ended from outside (Docker's client gives up after three, too).
 */
export const END_REQUESTS_MAX = 3

/** Signals of keys, which a terminal sends to everybody in front of it. */
const OF_TERMINAL: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT', 'SIGWINCH']

/** Relay until disposed. */
export function relaySignals(
  { catchSignals, inputIsTerminal }: Pick<Surroundings, 'catchSignals' | 'inputIsTerminal'>,
  running: Pick<RunningProcess, 'signal'>,
): Disposable {
  let requests = 0
  return catchSignals((name) => {
    if (name === 'SIGINT' || name === 'SIGTERM') requests += 1
    if (requests >= END_REQUESTS_MAX) running.signal('SIGKILL')
    else if (!inputIsTerminal || !OF_TERMINAL.includes(name)) running.signal(name)
  })
}
