/** Encrypted networks between userspace dataplanes, with an ear on the wire between them. */
import { parseIp } from '@weft/core'
import type { Dataplane, DesiredState, TunnelKey } from '@weft/dataplane'
import { dockerOrder, NetworkKey } from '@weft/encryption'
import { closeFd, openCapture, openUdpSocket } from '@weft/linux'
import { IP_PROTOCOL } from '@weft/wire'
import { describe, expect, test } from 'vitest'
import { killSwitch } from '../src/testing/index.ts'
import {
  atEnd,
  desired,
  failuresOf,
  hosts,
  local,
  network,
  openFds,
  reaches,
  remote,
  scratch,
  subnet,
  type TestHost,
} from './world.ts'

const BLUE = subnet(4097, '10.0.1.0/24', 'fd00:1::/64')

/** Keys of these Lamport times, in Docker's order. */
function keysOf(...times: readonly bigint[]): readonly NetworkKey[] {
  return dockerOrder(
    times.map((lamportTime) => {
      return new NetworkKey({ lamportTime, bytes: new Uint8Array(16).fill(Number(lamportTime)) })
    }),
  )
}

/** What a capture on the underlay saw, by protocol. */
interface Heard {
  esp: number
  vxlan: number
  espInUdp: number
}

/** Two hosts with a container each. */
class Pair {
  readonly a: TestHost
  readonly b: TestHost
  readonly c1 = scratch()
  readonly c2 = scratch()
  readonly near: Dataplane
  readonly far: Dataplane
  readonly heard: Heard = { esp: 0, vxlan: 0, espInUdp: 0 }

  private constructor([a, b]: readonly [TestHost, TestHost], ends: readonly [Dataplane, Dataplane]) {
    ;[this.a, this.b] = [a, b]
    ;[this.near, this.far] = ends
    const linkIndex = a.kernel.links.require('eth0').index
    const options = { namespace: a.path, linkIndex, snapBytes: 2000 }
    const capture = openCapture(options, (frames) => frames.forEach(({ bytes }) => this.#hear(bytes)))
    atEnd(() => capture.close())
    this.flush = () => capture.flush()
  }

  static async open(given: Parameters<typeof hosts>[2] = {}): Promise<Pair> {
    const [a, b] = hosts(2, 1500, given) as [TestHost, TestHost]
    return new Pair([a, b], [await a.open(), await b.open()])
  }

  readonly flush: () => Promise<void>

  #hear(bytes: Uint8Array): void {
    const protocol = bytes[23]
    if (bytes[12] !== 8 || bytes[13] !== 0) return
    if (protocol === IP_PROTOCOL.esp) this.heard.esp++
    const port = 256 * (bytes[36] ?? 0) + (bytes[37] ?? 0)
    if (protocol === IP_PROTOCOL.udp && port === 4789) this.heard.vxlan++
    if (protocol === IP_PROTOCOL.udp && port === 4500) this.heard.espInUdp++
  }

  stateOf(host: TestHost, keys: readonly TunnelKey[]): DesiredState {
    const isNear = host === this.a
    const here = isNear
      ? { c1: local(this.c1, '10.0.1.2', 'fd00:1::2') }
      : { c2: local(this.c2, '10.0.1.3', 'fd00:1::3') }
    const there = isNear
      ? { c2: remote('n2', '10.0.1.3', 'fd00:1::3') }
      : { c1: remote('n1', '10.0.1.2', 'fd00:1::2') }
    const blue = network([BLUE], { encapsulation: 'vxlan-esp', local: here, remote: there })
    return { ...desired(host, { blue }), keys }
  }

  /** Apply on both, each with keys of its own. */
  async apply(keys: () => readonly TunnelKey[]): Promise<void> {
    expect(failuresOf(await this.near.apply(this.stateOf(this.a, keys())))).toEqual([])
    expect(failuresOf(await this.far.apply(this.stateOf(this.b, keys())))).toEqual([])
  }

  async reaches(): Promise<boolean> {
    return (await reaches(this.c1, this.c2, '10.0.1.3')) && (await reaches(this.c2, this.c1, 'fd00:1::2'))
  }
}

describe.each([
  { name: 'IP', esp: {} },
  { name: 'IP with tags of 16 bytes', esp: { suite: 'aes-128-gcm-16' } },
  { name: 'UDP', esp: { path: 'udp' } },
] as const)('over $name', ({ esp }) => {
  test('containers reach each other, and all of it is sealed', async () => {
    const pair = await Pair.open({ esp })
    await pair.apply(() => keysOf(7n, 8n, 9n))
    expect(await pair.reaches()).toBe(true)
    await pair.flush()
    const { espInUdp, vxlan, ...ip } = pair.heard
    expect(vxlan).toBe(0)
    expect('path' in esp ? espInUdp : ip.esp).toBeGreaterThan(1)
    const { items } = await pair.near.observe()
    expect(items.get('associations/192.0.2.2')).toBe('seals 8 opens 7 8 9')
    expect(items.get('guards/4097')).toBe('port 4789 encrypted only')
  })
})
