/** The readable account: hosts, networks, the walk of a packet, a line per check. */
import { formatSocketAddress } from '@weft/core'
import { NETWORKS, SUBNET } from './cast.ts'
import type { Play } from './play.ts'
import type { CheckResult } from './report.ts'

/** Where lines for people go: stdout, or nowhere with --json. */
export type Say = (line: string) => void

/** Who is where. */
export function introduce(say: Say, play: Play): void {
  const { world } = play
  say(`weft demo · ${world.backend} dataplane · ${world.material}`)
  say('')
  say('Hosts')
  for (const host of world.hosts) {
    say(`  ${host.name.padEnd(8)} ${host.subnet.padEnd(17)} VTEP ${formatSocketAddress(host.vtep)}`)
  }
  say('')
  say('Networks')
  for (const network of NETWORKS) {
    say(`  ${network.name.padEnd(8)} ${SUBNET.padEnd(17)} VNI ${network.vni}`)
    for (const member of play.containers.filter((c) => c.network === network.name)) {
      say(`    ${member.name.padEnd(12)} ${member.ip.padEnd(12)} ${member.mac} on ${member.host}`)
    }
  }
  say('')
}

/** One check as a line: mark, name, figure, and what it says. */
export function sayCheck(say: Say, check: CheckResult): void {
  const figure = `${check.figure} ${check.unit}`
  say(`  ${check.ok ? 'ok  ' : 'FAIL'} ${check.name.padEnd(24)} ${figure.padEnd(28)} ${check.says}`)
}

/** The last line. */
export function conclude(say: Say, checks: readonly CheckResult[], ms: number): void {
  const failed = checks.filter((check) => !check.ok).length
  say('')
  say(`${checks.length - failed} passed, ${failed} failed in ${(ms / 1000).toFixed(1)} s`)
}
