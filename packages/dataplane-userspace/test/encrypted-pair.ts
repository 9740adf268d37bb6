/** Two hosts with an encrypted network between a container on each, and an ear on the wire. */
import { parseIp, type Ip } from '@weft/core'
import type { Dataplane, DesiredState, TunnelKey } from '@weft/dataplane'
import { dockerOrder, NetworkKey } from '@weft/encryption'
import { openCapture } from '@weft/linux'
import { ethernet, IP_PROTOCOL } from '@weft/wire'
import {
  atEnd,
  desired,
  failuresOf,
  hosts,
  local,
  network,
  reaches,
  remote,
  scratch,
  subnet,
  type TestHost,
} from './world.ts'

/** What only the overlay may know. */
export const SECRET = 'what only the overlay may know'
export const BLUE = subnet(4097, '10.0.1.0/24', 'fd00:1::/64')

/** Keys of these Lamport times, in Docker's order. */
export function keysOf(...times: readonly bigint[]): readonly NetworkKey[] {
  return dockerOrder(
    times.map((lamportTime) => {
      return new NetworkKey({ lamportTime, bytes: new Uint8Array(16).fill(Number(lamportTime)) })
    }),
  )
}

/** Everything on the link between the hosts. */
export class Wire {
  esp = 0
  espInUdp = 0
  vxlan = 0
  /** Frames that show something of the inside. */
  secrets = 0
  readonly frames: Uint8Array[] = []
  /** Settles when all that was on the wire up to now was looked at. */
  readonly flush: () => Promise<void>

  constructor({ kernel, path }: TestHost) {
    const linkIndex = kernel.links.require('eth0').index
    const options = { namespace: path, linkIndex, snapBytes: 66_000 }
    const capture = openCapture(options, (frames) => {
      for (const { bytes } of frames) this.#hear(bytes)
    })
    atEnd(() => capture.close())
    this.flush = async () => {
      await capture.flush()
      if (capture.counters().dropped > 0) throw new Error('the capture has holes')
    }
  }

  #hear(bytes: Uint8Array): void {
    if (this.frames.length < 100) this.frames.push(bytes.slice())
    if (Buffer.from(bytes).includes(SECRET)) this.secrets++
    const isFour = bytes[12] === 8 && bytes[13] === 0
    const transport = ethernet.headerLength + (isFour ? 20 : 40)
    const protocol = bytes[isFour ? 23 : 20]
    const port = 256 * (bytes[transport + 2] ?? 0) + (bytes[transport + 3] ?? 0)
    if (protocol === IP_PROTOCOL.esp) this.esp++
    else if (protocol === IP_PROTOCOL.udp && port === 4789) this.vxlan++
    else if (protocol === IP_PROTOCOL.udp && port === 4500) this.espInUdp++
  }
}

/** How a pair is out of the ordinary. */
export interface PairOptions {
  readonly family?: 4 | 6
  readonly esp?: TestHost['options']['esp'] | object
}

/** The two of them. */
export class Pair {
  readonly a: TestHost
  readonly b: TestHost
  readonly c1 = scratch()
  readonly c2 = scratch()
  readonly wire: Wire
  near: Dataplane
  far: Dataplane
  readonly #family: 4 | 6

  constructor(ends: readonly [TestHost, TestHost], planes: readonly Dataplane[], family: 4 | 6) {
    const [near, far] = planes as [Dataplane, Dataplane]
    ;[this.a, this.b] = ends
    ;[this.near, this.far] = [near, far]
    this.wire = new Wire(this.a)
    this.#family = family
  }

  static async open({ esp = {}, family = 4 }: PairOptions = {}): Promise<Pair> {
    const [a, b] = hosts(2, 1500, { esp }) as [TestHost, TestHost]
    return new Pair([a, b], [await a.open(), await b.open()], family)
  }

  #vtep(host: TestHost): Ip {
    return this.#family === 4 ? host.ip : parseIp(`fd00:2::${host === this.a ? 1 : 2}`)
  }

  /** What a host should be. */
  stateOf(host: TestHost, keys: readonly TunnelKey[]): DesiredState {
    const isNear = host === this.a
    const here = isNear
      ? { c1: local(this.c1, '10.0.1.2', 'fd00:1::2') }
      : { c2: local(this.c2, '10.0.1.3', 'fd00:1::3') }
    const there = isNear
      ? { c2: remote('n2', '10.0.1.3', 'fd00:1::3') }
      : { c1: remote('n1', '10.0.1.2', 'fd00:1::2') }
    const blue = network([BLUE], { encapsulation: 'vxlan-esp', local: here, remote: there })
    const other = isNear ? this.b : this.a
    const tunnel = { ip: this.#vtep(host), port: 4789 }
    const node = isNear ? 'n2' : 'n1'
    const peers = new Map([[node, { tunnel: { ip: this.#vtep(other), port: 4789 } }]])
    return { ...desired(host, { blue }), tunnel, peers, keys }
  }

  /** Failures of the near and the far host, each given keys of its own. */
  async apply(...times: readonly bigint[]): Promise<readonly string[]> {
    const near = await this.near.apply(this.stateOf(this.a, keysOf(...times)))
    const far = await this.far.apply(this.stateOf(this.b, keysOf(...times)))
    return [...failuresOf(near), ...failuresOf(far)]
  }

  /** In both directions, over both families. */
  async reaches(): Promise<boolean> {
    const there = await reaches(this.c1, this.c2, '10.0.1.3')
    return there && (await reaches(this.c2, this.c1, 'fd00:1::2'))
  }
}
