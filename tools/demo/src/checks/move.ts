/** An endpoint moves to another host with its MAC and its address, and is reachable again. */
import type { CastContainer } from '../cast.ts'
import type { Play } from '../play.ts'
import type { CheckResult } from '../report.ts'

const REACHABLE_WITHIN_MS = 1000
const PING_PAYLOAD_BYTES = 56

/** blue-2 goes from host 2 to host 3; where there are two hosts, to host 1 and back again. */
export async function move(play: Play): Promise<readonly CheckResult[]> {
  const [first = '', second = '', third] = play.hostNames()
  const ways = third === undefined ? [first, second] : [third]
  const mover = play.container('blue-2')
  let worst = 0
  for (const target of ways) worst = Math.max(worst, await moveTo(play, mover, target))
  const ok = worst <= REACHABLE_WITHIN_MS
  const route = [second, ...ways].join(' > ')
  return [
    {
      name: 'move',
      ok,
      figure: Number.isFinite(worst) ? Math.round(worst * 10) / 10 : -1,
      unit: 'ms',
      says: ok
        ? `${mover.name} moved ${route} as ${mover.ip} ${mover.mac}, reached by all of blue`
        : `${mover.name} moved ${route} and was not reached in ${REACHABLE_WITHIN_MS} ms`,
    },
  ]
}

async function moveTo(play: Play, mover: CastContainer, target: string): Promise<number> {
  const { world } = play
  await play.carry(mover, target)
  const startMs = world.now()
  await play.applyEverywhere()
  const reached = await reachedAt(play, startMs)
  await world.containers.vacate(mover)
  return reached - startMs
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
