/** The walk of one packet: every look-up, as read back from the machinery, and every header. */
import { formatSocketAddress } from '@weft/core'
import { itemPath } from '@weft/dataplane'
import { describeFrame } from '@weft/wire'
import type { Say } from './account.ts'
import { NETWORKS } from './cast.ts'
import type { Play } from './play.ts'
import { dissectTunnel } from './tunnel-frame.ts'

/** Send one echo from the first blue container to one in the other subnet and tell its way. */
export async function walk(say: Say, play: Play): Promise<void> {
  const { world } = play
  const blue = play.members('blue')
  const from = blue[0]
  const subnetOf = (name: string): string =>
    world.hosts.find((host) => host.name === name)?.subnet ?? ''
  const to = blue.find(({ host }) => subnetOf(host) !== subnetOf(from?.host ?? ''))
  const network = NETWORKS[0]
  if (from === undefined || to === undefined || network === undefined) return
  const frames = await world.capture.during(async () => {
    await world.containers.ping(from, to.ip, 56)
  })
  const { items } = await world.control.observe(from.host)
  const neighbour = itemPath.neighbour(network.name, network.vni, to.ip)
  const forwarding = itemPath.forwarding(network.name, network.vni, to.mac)
  const vtep = world.hosts.find((host) => host.name === to.host)?.vtep
  const steps = [
    [from.name, `sends an ICMP echo to ${to.ip}, on-link; asks: who has ${to.ip}?`],
    [from.host, `answers ARP itself: ${neighbour} = ${items.get(neighbour) ?? 'missing'}`],
    [from.host, `layer 2: ${to.mac} is in the tunnel of VNI ${network.vni}, not local`],
    [from.host, `VXLAN: ${forwarding} = ${items.get(forwarding) ?? 'missing'}`],
    ['underlay', 'one UDP datagram by way of the router, as captured where it leaves the host:'],
  ]
  say(`The walk of one packet, ${from.name} on ${from.host} to ${to.name} on ${to.host}`)
  for (const [i, [who = '', what = '']] of steps.entries()) {
    say(`  ${i + 1}  ${who.padEnd(9)} ${what}`)
  }
  for (const line of outgoing(frames, from.host)) say(`       ${' '.repeat(9)} ${line}`)
  const last = vtep === undefined ? '' : formatSocketAddress(vtep)
  say(`  6  ${to.host.padEnd(9)} takes it off at ${last}, VNI ${network.vni} leads to its network`)
  say(`  7  ${to.host.padEnd(9)} layer 2: ${to.mac} is local; ${to.name} receives and answers`)
  say('')
}

function outgoing(
  frames: readonly { readonly host: string; readonly bytes: Uint8Array }[],
  host: string,
): string[] {
  const isOurs = (frame: { host: string; bytes: Uint8Array }): boolean =>
    frame.host === host && dissectTunnel(frame.bytes).kind === 'tunnel'
  const frame = frames.find(isOurs)
  return frame === undefined ? ['nothing was captured'] : describeFrame(frame.bytes).split('\n')
}
