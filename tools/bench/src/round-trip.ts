/** Round trips as `ping` measures them. */
import { runAside } from './commands.ts'
import type { OverlayPath } from './overlay-by-hand.ts'
import { median } from './statistics.ts'

const COUNT = 100
const INTERVAL_SECONDS = 0.005

/** Median of the round trips of a hundred ICMP echoes, half a second long, in milliseconds. */
export async function roundTripMs({ address, client }: OverlayPath): Promise<number> {
  const ping = ['ping', '-n', '-c', String(COUNT), '-i', String(INTERVAL_SECONDS), address]
  const output = await runAside(['ip', 'netns', 'exec', client, ...ping])
  return median([...output.matchAll(/time=([0-9.]+) ms/g)].map(([, ms]) => Number(ms)))
}
