/** An endpoint moves to another host with its MAC and its address, and is reachable again. */
import type { Play } from '../play.ts'
import type { CheckResult } from '../report.ts'

const REACHABLE_WITHIN_MS = 1000
const PING_PAYLOAD_BYTES = 56

/** blue-2 goes from host 2 to host 3 (or back to host 1 where there are two). */
export async function move(play: Play): Promise<readonly CheckResult[]> {
  const { world } = play
  const mover = play.container('blue-2')
  const hosts = play.hostNames()
  const target = hosts[2] ?? hosts[0] ?? ''
  const watchers = play.members('blue').filter((c) => c !== mover)
  const left = await play.carry(mover, target)
  const startMs = world.now()
  await play.applyEverywhere()
  const reached = await reachedAt(play, startMs)
  await world.containers.vacate(mover)
  const ms = Math.round((reached - startMs) * 10) / 10
  const ok = ms <= REACHABLE_WITHIN_MS
  const watched = `${watchers.length} container${watchers.length === 1 ? '' : 's'}`
  return [
    {
      name: 'move',
      ok,
      figure: Number.isFinite(ms) ? ms : -1,
      unit: 'ms',
      says: ok
        ? `${mover.name} moved ${left} > ${target} as ${mover.ip} ${mover.mac}; ${watched} reach it`
        : `${mover.name} moved ${left} > ${target} and was not reached in ${REACHABLE_WITHIN_MS} ms`,
    },
  ]
}

/** When every other member has reached the mover, on the world's clock; Infinity for too late. */
async function reachedAt(play: Play, startMs: number): Promise<number> {
  const mover = play.container('blue-2')
  for (const from of play.members('blue').filter((c) => c !== mover)) {
    let answered = false
    while (!answered) {
      const outcome = await play.world.containers.ping(from, mover.ip, PING_PAYLOAD_BYTES)
      answered = outcome.ok
      if (play.world.now() - startMs > REACHABLE_WITHIN_MS) return Infinity
    }
  }
  return play.world.now()
}
