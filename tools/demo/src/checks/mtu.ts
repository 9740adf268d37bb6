/** The edge of the MTU: the largest packet passes whole, one byte more gets a proper error. */
import type { Play } from '../play.ts'
import type { CheckResult } from '../report.ts'
import { dissectTunnel } from '../tunnel-frame.ts'

const UNDERLAY_MTU_BYTES = 1500
/** 1500 less outer IPv4, UDP, VXLAN and the inner Ethernet header (P8). */
const OVERLAY_MTU_BYTES = 1450
/** IPv4 and ICMP headers in front of an echo's payload. */
const ECHO_HEADERS_BYTES = 28

/** Between the first two hosts and between the first and the last, over the router. */
export async function mtuEdge(play: Play): Promise<readonly CheckResult[]> {
  const [from, ...others] = play.members('blue')
  if (from === undefined) throw new Error('bug: blue has no members')
  const largest = OVERLAY_MTU_BYTES - ECHO_HEADERS_BYTES
  const problems: string[] = []
  const frames = await play.world.capture.during(async () => {
    for (const to of others) {
      const outcome = await play.world.containers.ping(from, to.ip, largest)
      if (!outcome.ok) problems.push(`${from.name} > ${to.name}: ${outcome.reason}`)
    }
  })
  const dissected = frames.map((frame) => dissectTunnel(frame.bytes))
  const fragments = dissected.filter((d) => d.kind === 'fragment').length
  const sizes = dissected.map((d) => (d.kind === 'tunnel' ? d.tunnel.outerBytes : 0))
  const biggest = Math.max(0, ...sizes)
  const passes = problems.length === 0 && fragments === 0 && biggest === UNDERLAY_MTU_BYTES
  return [
    {
      name: 'mtu-largest',
      ok: passes,
      figure: OVERLAY_MTU_BYTES,
      unit: 'bytes',
      says: passes
        ? `passes whole from host to host; ${biggest} bytes outside, no fragment`
        : (problems[0] ?? `${fragments} fragments, largest outer packet ${biggest} bytes`),
    },
    await oneMore(play, largest + 1),
  ]
}

async function oneMore(play: Play, payloadBytes: number): Promise<CheckResult> {
  const [from, to] = play.members('blue')
  if (from === undefined || to === undefined) throw new Error('bug: blue has no members')
  const outcome = await play.world.containers.ping(from, to.ip, payloadBytes)
  const told = outcome.ok ? null : outcome.mtuBytes
  const ok = told === OVERLAY_MTU_BYTES
  const answer = outcome.ok ? 'it passed' : outcome.reason
  return {
    name: 'mtu-one-more',
    ok,
    figure: told ?? -1,
    unit: 'bytes told',
    says: ok
      ? `one byte more is refused: ${answer}`
      : `one byte more should be refused with MTU ${OVERLAY_MTU_BYTES}: ${answer}`,
  }
}
