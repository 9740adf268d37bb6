/** Clean-up that happens however the process ends, except by SIGKILL. */

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

const pending = new Set<() => void>()

/**
 * Have `cleanUp` called when the process exits, by itself, by an uncaught error or by SIGINT,
 * SIGTERM or SIGHUP that nobody else listens to. It must be synchronous. Disposing takes it back
 * without calling it.
 */
export function atExit(cleanUp: () => void): Disposable {
  if (pending.size === 0) listen()
  pending.add(cleanUp)
  return {
    [Symbol.dispose]: () => {
      pending.delete(cleanUp)
      if (pending.size === 0) unlisten()
    },
  }
}

/** Youngest first; one that throws does not keep the others from running. */
function cleanUpAll(): void {
  for (const cleanUp of [...pending].reverse()) {
    pending.delete(cleanUp)
    try {
      cleanUp()
    } catch (error) {
      process.stderr.write(`lab: clean-up failed: ${String(error)}\n`)
    }
  }
}

/** A program that listens itself decides when to end, and the exit event cleans up then. */
function onSignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return
  cleanUpAll()
  unlisten()
  // Without our listener the signal does what it would have done: end us.
  process.kill(process.pid, signal)
}

function listen(): void {
  process.on('exit', cleanUpAll)
  for (const signal of SIGNALS) process.on(signal, onSignal)
}

function unlisten(): void {
  process.off('exit', cleanUpAll)
  for (const signal of SIGNALS) process.off(signal, onSignal)
}
