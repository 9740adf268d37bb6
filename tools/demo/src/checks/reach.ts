/** Inside a network everybody reaches everybody: by ICMP, and by TCP with the digest checked. */
import type { CastContainer } from '../cast.ts'
import { NETWORKS } from '../cast.ts'
import { pairsOf, type Play } from '../play.ts'
import type { CheckResult } from '../report.ts'

const PING_PAYLOAD_BYTES = 56
const MEBIBYTE = 1024 * 1024

/** Every ordered pair of each network, the address that only green has included. */
export async function reachByIcmp(play: Play): Promise<readonly CheckResult[]> {
  const results: CheckResult[] = []
  for (const { name } of NETWORKS) {
    const pairs = pairsOf(play.containers.filter((c) => c.network === name))
    const failed: string[] = []
    for (const [i, [from, to]] of pairs.entries()) {
      play.options.progress(`${name}: pair ${i + 1} of ${pairs.length}`)
      const outcome = await play.world.containers.ping(from, to.ip, PING_PAYLOAD_BYTES)
      if (!outcome.ok) failed.push(`${from.name} > ${to.name}: ${outcome.reason}`)
    }
    results.push({
      name: `icmp-${name}`,
      ok: failed.length === 0,
      figure: pairs.length - failed.length,
      unit: `of ${pairs.length} pairs`,
      says: failed[0] ?? `every pair in ${name} answers ICMP`,
    })
  }
  return results
}

/** One transfer for each unordered pair; the direction alternates over the pairs. */
export async function reachByTcp(play: Play): Promise<readonly CheckResult[]> {
  const results: CheckResult[] = []
  const bytes = play.options.transferBytes
  for (const { name } of NETWORKS) {
    const pairs = pairsOf(play.members(name)).filter(([a, b]) => oneWay(a, b, play))
    const failed: string[] = []
    let ms = 0
    for (const [i, [from, to]] of pairs.entries()) {
      play.options.progress(`${name}: transfer ${i + 1} of ${pairs.length}`)
      const outcome = await play.world.containers.transfer(from, to, bytes)
      ms += outcome.ms
      if (outcome.intact && outcome.bytes === bytes) continue
      failed.push(`${from.name} > ${to.name}: ${outcome.bytes} bytes, digest differs`)
    }
    const done = `${pairs.length} transfers of ${bytes / MEBIBYTE} MiB in ${name}, digests equal`
    const rate = Math.round((pairs.length * bytes) / MEBIBYTE / (ms / 1000))
    results.push({
      name: `tcp-${name}`,
      ok: failed.length === 0 && pairs.length > 0,
      figure: rate,
      unit: 'MiB/s',
      says: failed[0] ?? done,
    })
  }
  return results
}

function oneWay(a: CastContainer, b: CastContainer, play: Play): boolean {
  const i = play.containers.indexOf(a)
  const j = play.containers.indexOf(b)
  return (i + j) % 2 === 0 ? i < j : i > j
}
