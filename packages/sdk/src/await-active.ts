/** Waiting for a node to be up, as long as Docker's commands do. */
import { instantAfter, type Clock } from '@weft/core'
import type { Agent } from '@weft/agent'
import { swarmError } from '@weft/swarm'

/** How long init and join wait before they say so and go on in the background, in ms. */
export const JOIN_MS_MAX = 20_000

/** Resolves when the agent is active. Throws what made it give up, and the reason of `signal`. */
export function awaitActive(agent: Agent, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const look = (): void => {
    const { state, error, nodeId } = agent.view()
    if (state === 'active') resolve()
    if (state === 'error') reject(swarmError('ERR_PERMISSION_DENIED', error, { subject: nodeId }))
  }
  const stop = (): void => reject(signal.reason as Error)
  const watch = agent.events.on('changed', look)
  signal.addEventListener('abort', stop)
  if (signal.aborted) stop()
  look()
  return promise.finally(() => {
    watch[Symbol.dispose]()
    signal.removeEventListener('abort', stop)
  })
}

/** What `work` comes to, or null when it is not there after `ms`. */
export async function raceTimer<Result>(
  clock: Clock,
  ms: number,
  work: Promise<Result>,
): Promise<Result | null> {
  const timeout = Promise.withResolvers<null>()
  using _timer = clock.schedule(instantAfter(clock.now(), ms), () => timeout.resolve(null))
  return await Promise.race([work, timeout.promise])
}
