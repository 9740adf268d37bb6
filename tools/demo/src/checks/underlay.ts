/** What crosses the underlay: captured where each host puts it there, decoded by our own codecs. */
import { ETHER_TYPE } from '@weft/wire'
import { NETWORKS } from '../cast.ts'
import { pairsOf, type Play } from '../play.ts'
import type { CheckResult } from '../report.ts'
import { dissectTunnel, type TunnelFrame } from '../tunnel-frame.ts'
import type { UnderlayFrame } from '../world.ts'

/** Every container forgets its neighbours and asks again; nothing of the asking may come out. */
export async function underlay(play: Play): Promise<readonly CheckResult[]> {
  let silent = 0
  const frames = await play.world.capture.during(async () => {
    for (const { name } of NETWORKS) {
      const members = play.members(name)
      for (const member of members) play.world.containers.forgetNeighbours(member)
      for (const [from, to] of pairsOf(members)) {
        const outcome = await play.world.containers.ping(from, to.ip, 56)
        if (!outcome.ok) silent++
      }
    }
  })
  const lost = play.world.capture.lost()
  return [quiet(frames, { silent, lost }), headers(play, frames)]
}

function quiet(
  frames: readonly UnderlayFrame[],
  { silent, lost }: { silent: number; lost: number },
): CheckResult {
  const tunnels = frames.map((frame) => dissectTunnel(frame.bytes)).filter(isTunnel)
  const noisy = tunnels.filter(
    ({ tunnel }) => tunnel.toGroup || tunnel.innerEtherType === ETHER_TYPE.arp,
  )
  const ok = noisy.length === 0 && silent === 0 && lost === 0 && tunnels.length > 0
  return {
    name: 'no-arp-on-underlay',
    ok,
    figure: noisy.length,
    unit: 'ARP or broadcast frames',
    says: ok
      ? `every neighbour was asked for anew and answered locally; ${tunnels.length} datagrams seen`
      : `of ${tunnels.length} datagrams; ${silent} pings unanswered, ${lost} frames missed`,
  }
}

function isTunnel(dissected: ReturnType<typeof dissectTunnel>): dissected is {
  kind: 'tunnel'
  tunnel: TunnelFrame
} {
  return dissected.kind === 'tunnel'
}

function headers(play: Play, frames: readonly UnderlayFrame[]): CheckResult {
  const wrong: string[] = []
  let right = 0
  const ports = new Set<number>()
  for (const frame of frames) {
    const dissected = dissectTunnel(frame.bytes)
    if (dissected.kind === 'other') continue
    if (dissected.kind !== 'tunnel') {
      wrong.push(`${frame.host}: ${dissected.kind}`)
      continue
    }
    const problem = wrongHeader(play, frame.host, dissected.tunnel)
    ports.add(dissected.tunnel.sourcePort)
    if (problem === null) right++
    else wrong.push(problem)
  }
  const ok = wrong.length === 0 && right > 0
  return {
    name: 'vxlan-headers',
    ok,
    figure: right,
    unit: 'datagrams right',
    says: wrong[0] ?? `VNI and outer addresses right on each; UDP source ports: ${ports.size}`,
  }
}

/** What is wrong with the headers of a datagram that `host` sent, or null. */
function wrongHeader(play: Play, host: string, tunnel: TunnelFrame): string | null {
  const network = NETWORKS.find((n) => n.vni === tunnel.vni)
  if (network === undefined) return `${host} sent VNI ${tunnel.vni}, which nobody has`
  const members = play.containers.filter((c) => c.network === network.name)
  const from = members.find((c) => c.mac === tunnel.innerSource)
  const to = members.find((c) => c.mac === tunnel.innerDestination)
  if (from === undefined || to === undefined) {
    return `${network.name}: nobody is ${tunnel.innerSource} > ${tunnel.innerDestination}`
  }
  const source = vtepOf(play, from.host)
  const destination = vtepOf(play, to.host)
  const { outerSource, outerDestination } = tunnel
  if (host === from.host && outerSource === source && outerDestination === destination) return null
  return `${from.name} > ${to.name}: outer ${outerSource} > ${outerDestination}, sent by ${host}`
}

function vtepOf(play: Play, host: string): string {
  return play.world.hosts.find((h) => h.name === host)?.vtep.ip ?? ''
}
