/** What this machine lets a userspace dataplane do, found out by doing it in a throwaway place. */
import type { IpFamily } from '@weft/core'
import { parseIp } from '@weft/core'
import { overlayMtu, type Attachment, type Capabilities, type ProbeResult } from '@weft/dataplane'
import {
  inNewNamespace,
  isKernelError,
  Kernel,
  openDatagramSocket,
  openTap,
  TAP_OFFLOADS,
  tapProblem,
  type DatagramSocket,
  type TapOffload,
} from '@weft/linux'

/** Largest IP packet, in bytes (RFC 791 §3.1): an underlay can have no larger MTU. */
export const IP_PACKET_BYTES_MAX = 65_535

/** A probe's result with what the dataplane has to do without here. */
export type UserspaceProbe = ProbeResult & {
  /** For people; empty when nothing is lacking. */
  readonly fallbacks: readonly string[]
}

/** What was found. */
export interface UserspaceFacts {
  readonly result: UserspaceProbe
  /** What TAPs can be asked for. */
  readonly offloads: readonly TapOffload[]
}

/** Find out. Takes some milliseconds, never throws, leaves no trace. */
export function probeUserspace(): UserspaceFacts {
  try {
    return inNewNamespace(probeInside)
  } catch (error) {
    const reason = `network-namespace: ${words(error)}`
    return { result: { usable: false, reason, fallbacks: [] }, offloads: [] }
  }
}

function probeInside(): UserspaceFacts {
  const fallbacks: string[] = []
  const tap = probeTap(fallbacks)
  const families = ([4, 6] as const).filter((family) => probeSocket(family, fallbacks))
  const attachments: Attachment['kind'][] = tap === null ? ['port'] : ['netns', 'port']
  if (families.length === 0) {
    return { result: { usable: false, reason: 'no UDP sockets', fallbacks }, offloads: [] }
  }
  const capabilities = capabilitiesOf(attachments, families)
  return { result: { usable: true, capabilities, fallbacks }, offloads: tap ?? [] }
}

function capabilitiesOf(
  attachments: readonly Attachment['kind'][],
  families: readonly IpFamily[],
): Capabilities {
  return {
    attachments: new Set(attachments),
    encapsulations: new Set(['vxlan']),
    underlayFamilies: new Set(families),
    overlayFamilies: new Set([4, 6]),
    mtuMaxBytes: overlayMtu(IP_PACKET_BYTES_MAX, 6),
    persistent: false,
  }
}

/** What TAPs can do here; null when there are none to be had. */
function probeTap(fallbacks: string[]): readonly TapOffload[] | null {
  try {
    using tap = openTap({ name: 'probe', offloads: TAP_OFFLOADS })
    const missing = TAP_OFFLOADS.filter((offload) => !tap.offloads.includes(offload))
    for (const offload of missing) fallbacks.push(`TAPs without ${offload} offload`)
    return tap.offloads
  } catch (error) {
    fallbacks.push(`no TAPs, in-process cards only: ${tapProblem(error) ?? words(error)}`)
    return null
  }
}

const LOOPBACK: { readonly [family in IpFamily]: string } = { 4: '127.0.0.1', 6: '::1' }

function probeSocket(family: IpFamily, fallbacks: string[]): boolean {
  try {
    // The kernel refuses addresses of a loopback that is down.
    using kernel = Kernel.open()
    kernel.links.change('lo', { up: true })
    const local = { ip: parseIp(LOOPBACK[family]), port: 0 }
    using socket = openDatagramSocket({ local, coalesce: true })
    noteSocket(family, socket, fallbacks)
    return true
  } catch (error) {
    fallbacks.push(`no UDP over IPv${family}: ${words(error)}`)
    return false
  }
}

function noteSocket(
  family: IpFamily,
  { coalescing, segmentation }: DatagramSocket,
  fallbacks: string[],
): void {
  const note = (what: string, diagnostic: string): void =>
    void fallbacks.push(`IPv${family} sockets without ${what}: ${diagnostic}`)
  if (segmentation !== null) note('UDP_SEGMENT', segmentation.diagnostic)
  if (coalescing !== null) note('UDP_GRO', coalescing.diagnostic)
}

function words(error: unknown): string {
  if (!isKernelError(error)) throw error
  return `${error.details.errno}: ${error.details.diagnostic}`
}
