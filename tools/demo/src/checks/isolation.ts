/**
 * Nothing crosses between networks that share addresses, MACs and hosts: marked frames, unicast
 * and broadcast, are counted where they arrive, and the answer of an absent address stays out.
 */
import { parseMac } from '@weft/core'
import { ethernet } from '@weft/wire'
import type { CastContainer } from '../cast.ts'
import { pairsOf, type Play } from '../play.ts'
import type { CheckResult } from '../report.ts'

/** IEEE 802 local experimental EtherType 1: no stack answers it. */
const MARKED_ETHER_TYPE = 0x88b5
const BROADCAST = parseMac('ff:ff:ff:ff:ff:ff')
const PAYLOAD_AT = 14
const FRAME_BYTES = 64

/** Marked frames between all pairs of both networks, and a broadcast from every container. */
export async function isolation(play: Play): Promise<readonly CheckResult[]> {
  const heard = await play.world.containers.listening(async (transmit) => {
    for (const from of play.containers) {
      for (const to of play.containers) {
        if (to === from || to.network !== from.network) continue
        transmit(from, markedFrame(play, from, to))
      }
      transmit(from, markedFrame(play, from, null))
    }
    // An answer to this comes after all that was sent before it.
    await settle(play)
  })
  return [judge(play, heard), await absentAddress(play)]
}

/** Echoes along every pair, behind the marked frames on the same ways. */
async function settle(play: Play): Promise<void> {
  for (const [from, to] of pairsOf(play.containers)) {
    if (from.network === to.network) await play.world.containers.ping(from, to.ip, 56)
  }
}

function markedFrame(play: Play, from: CastContainer, to: CastContainer | null): Uint8Array {
  const frame = new Uint8Array(FRAME_BYTES)
  ethernet.write(frame, 0, {
    destination: to?.mac ?? BROADCAST,
    source: from.mac,
    tags: [],
    etherType: MARKED_ETHER_TYPE,
  })
  frame[PAYLOAD_AT] = play.containers.indexOf(from)
  frame[PAYLOAD_AT + 1] = to === null ? 0xff : play.containers.indexOf(to)
  return frame
}

function judge(
  play: Play,
  heard: ReadonlyMap<CastContainer, readonly Uint8Array[]>,
): CheckResult {
  let crossed = 0
  const arrived = new Set<string>()
  for (const [at, frames] of heard) {
    for (const frame of frames) {
      if (ethernet.check(frame, 0, frame.length) !== null) continue
      if (ethernet.etherType(frame, 0) !== MARKED_ETHER_TYPE) continue
      const from = play.containers[frame[PAYLOAD_AT] ?? 0xff]
      const to = play.containers[frame[PAYLOAD_AT + 1] ?? 0xff]
      if (from?.network !== at.network) crossed++
      else if (to === at) arrived.add(`${from.name}>${to.name}`)
    }
  }
  const due = ['blue', 'green'].flatMap((n) =>
    pairsOf(play.containers.filter((c) => c.network === n)),
  ).length
  const missing = due - arrived.size
  return {
    name: 'isolation',
    ok: crossed === 0 && missing === 0,
    figure: crossed,
    unit: 'frames crossed',
    says:
      missing === 0
        ? `${due} marked frames arrived in their own network, ${crossed} in the other`
        : `${missing} of ${due} marked frames never arrived, so the count proves nothing`,
  }
}

/** The address that only green has: green reaches it, blue gets no answer. */
async function absentAddress(play: Play): Promise<CheckResult> {
  const { ip } = play.container('green-only')
  const other = play.hostNames().length
  const control = await play.world.containers.ping(play.container(`green-${other}`), ip, 56)
  const outcome = await play.world.containers.ping(play.container(`blue-${other}`), ip, 56)
  const ok = control.ok && !outcome.ok
  const manner = (answers: boolean): string => (answers ? 'answers' : 'is silent')
  return {
    name: 'isolation-absent-address',
    ok,
    figure: outcome.ok ? 1 : 0,
    unit: 'answers',
    says: ok
      ? `${ip} answers in green and not in blue (${outcome.reason})`
      : `${ip}: green ${manner(control.ok)}, blue ${manner(outcome.ok)}`,
  }
}
