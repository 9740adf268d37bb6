/** Forwarding entries deleted behind our back come back within a second (P1). */
import type { Play } from '../play.ts'
import type { CheckResult } from '../report.ts'

const BACK_WITHIN_MS = 1000

/** Delete the entry of every other blue container on host 1, one after another. */
export async function repair(play: Play): Promise<readonly CheckResult[]> {
  const { world } = play
  const [host = ''] = play.hostNames()
  const remote = play.members('blue').filter((c) => c.host !== host)
  const place = { host, network: 'blue' }
  let worst = 0
  let command = ''
  for (const { mac } of remote) {
    command = await world.tables.deleteForwarding(place, mac)
    const ms = await world.tables.forwardingReturned(place, mac)
    worst = Math.max(worst, ms ?? Infinity)
  }
  const from = play.container('blue-1')
  let silent = 0
  for (const to of remote) if (!(await world.containers.ping(from, to.ip, 56)).ok) silent++
  const ok = worst <= BACK_WITHIN_MS && silent === 0 && remote.length > 0
  return [
    {
      name: 'repair',
      ok,
      figure: Number.isFinite(worst) ? Math.round(worst * 10) / 10 : -1,
      unit: 'ms',
      says: ok
        ? `${remote.length} entries deleted with \`${command}\` are back; this is the slowest`
        : `an entry deleted with \`${command}\` did not come back in ${BACK_WITHIN_MS} ms`,
    },
  ]
}
