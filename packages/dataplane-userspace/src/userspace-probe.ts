/** What this machine lets a userspace dataplane do, found out by doing it in a throwaway place. */
import type { IpFamily } from '@weft/core'
import { parseIp } from '@weft/core'
import {
  overlayMtu,
  type Attachment,
  type Capabilities,
  type Encapsulation,
  type ProbeResult,
} from '@weft/dataplane'
import {
  inNewNamespace,
  isKernelError,
  Kernel,
  openDatagramSocket,
  openRawDatagramSocket,
  openTap,
  TAP_OFFLOADS,
  tapProblem,
  type DatagramSocket,
  type TapOffload,
} from '@weft/linux'
import { IP_PROTOCOL } from '@weft/wire'
import { fastestSuite, type SealingLibrary } from './fastest-suite.ts'
import { ESP_PATHS, ESP_SUITES, type EspOptions } from './options.ts'
import { quickMemory } from './quick-memory.ts'
import { isSound } from './sound-suite.ts'
import { priorityLack } from './thread-priority.ts'

/** Largest IP packet, in bytes (RFC 791 §3.1): an underlay can have no larger MTU. */
export const IP_PACKET_BYTES_MAX = 65_535

/** A probe's result with what the dataplane has to do without here. */
export type UserspaceProbe = ProbeResult & {
  /** For people; empty when nothing is lacking. */
  readonly fallbacks: readonly string[]
  /** What encrypted networks can have here. */
  readonly sealing: SealingFacts
}

/** How packets can be sealed and carried. */
export interface SealingFacts {
  readonly suites: readonly EspOptions['suite'][]
  readonly paths: readonly EspOptions['path'][]
  /** Whose ciphers they are. */
  readonly by: SealingLibrary
}

/** What was found. */
export interface UserspaceFacts {
  readonly result: UserspaceProbe
  /** What TAPs can be asked for. */
  readonly offloads: readonly TapOffload[]
}

/** Find out. Takes some milliseconds, never throws, leaves no trace. */
export function probeUserspace(esp: EspOptions): UserspaceFacts {
  try {
    return inNewNamespace(() => probeInside(esp))
  } catch (error) {
    const sealing = { suites: [], paths: [], by: fastestSuite(esp.suite).by }
    const reason = `network-namespace: ${words(error)}`
    return { result: { usable: false, reason, fallbacks: [], sealing }, offloads: [] }
  }
}

function probeInside(esp: EspOptions): UserspaceFacts {
  const fallbacks: string[] = []
  const tap = probeTap(fallbacks)
  const families = ([4, 6] as const).filter((family) => probeSocket(family, fallbacks))
  const attachments: Attachment['kind'][] = tap === null ? ['port'] : ['netns', 'port']
  const sealing = probeSealing(families, esp, fallbacks)
  if (quickMemory(1) === null) fallbacks.push('checksums by plain code: no WebAssembly with SIMD')
  const notPreferred = priorityLack()
  if (notPreferred !== null) fallbacks.push(`the switch takes turns with others: ${notPreferred}`)
  if (families.length === 0) {
    const result = { usable: false, reason: 'no UDP sockets', fallbacks, sealing } as const
    return { result, offloads: [] }
  }
  const isSealable = sealing.suites.includes(esp.suite) && sealing.paths.includes(esp.path)
  const encapsulations: Encapsulation[] = isSealable ? ['vxlan', 'vxlan-esp'] : ['vxlan']
  const capabilities = capabilitiesOf(attachments, families, encapsulations)
  return { result: { usable: true, capabilities, fallbacks, sealing }, offloads: tap ?? [] }
}

/** Encryption is for all families that tunnels have, or it is not there. */
function probeSealing(
  families: readonly IpFamily[],
  esp: EspOptions,
  fallbacks: string[],
): SealingFacts {
  const { by, lack } = fastestSuite(esp.suite)
  if (lack !== null) fallbacks.push(`sealing by ${by}: ${lack}`)
  const refused = families.map(rawRefusal).find((refusal) => refusal !== null)
  if (refused !== undefined && esp.path === 'ip') fallbacks.push(`no ESP over IP: ${refused}`)
  const paths = families.length === 0 ? [] : ESP_PATHS.filter((p) => p === 'udp' || !refused)
  return { suites: ESP_SUITES.filter((name) => isSound(fastestSuite(name).suite)), paths, by }
}

/** Why there are no raw sockets for ESP; null where there are. */
function rawRefusal(family: IpFamily): string | null {
  try {
    openRawDatagramSocket({ local: parseIp(LOOPBACK[family]), protocol: IP_PROTOCOL.esp }).close()
    return null
  } catch (error) {
    return `IPv${family}: ${words(error)}`
  }
}

function capabilitiesOf(
  attachments: readonly Attachment['kind'][],
  families: readonly IpFamily[],
  encapsulations: readonly Encapsulation[],
): Capabilities {
  return {
    attachments: new Set(attachments),
    encapsulations: new Set(encapsulations),
    underlayFamilies: new Set(families),
    overlayFamilies: new Set([4, 6]),
    mtuMaxBytes: overlayMtu(IP_PACKET_BYTES_MAX, 6),
    persistent: false,
    replayWindow: encapsulations.includes('vxlan-esp'),
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
