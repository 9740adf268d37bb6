/**
 * A TCP transfer through the switch's own path before any container depends on it: offloads are
 * where overlays corrupt silently, and pings do not show it (P9).
 */
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import {
  equalBytes,
  instantAfter,
  parseCidr,
  parseInterfaceAddress,
  parseIp,
  parseMac,
  vni,
  type Clock,
  type Ip,
  type Mac,
} from '@weft/core'
import {
  connectTcp,
  inNewNamespace,
  Kernel,
  openTap,
  openTcpListener,
  type Tap,
  type TapOffload,
} from '@weft/linux'
import { offloadBits } from './endpoints.ts'
import type { EngineSubnet } from './engine/engine-state.ts'
import { PacketLoop } from './packet-loop.ts'
import { openTunnelSockets, type TunnelSockets } from './tunnel-sockets.ts'

/** Bytes of the transfer: many super-segments of 64 KiB. */
export const SELF_TEST_BYTES = 1 << 19

/** A transfer that takes longer has lost something for good; a sound one takes some 50 ms. */
export const SELF_TEST_PATIENCE_MS = 3_000

/** What is tried. */
export interface OffloadChoice {
  /** Asked of every TAP. */
  readonly offloads: readonly TapOffload[]
  /** Whether sockets are given several datagrams at once (UDP_SEGMENT). */
  readonly segmentation: boolean
}

/** Where choices are tried. */
export interface OffloadTrial {
  passes(choice: OffloadChoice): Promise<boolean>
}

/** Few: memory that was used once stays with the process. */
const SLOTS = 4
const MTU_BYTES = 1450
const PREFIX = parseCidr('192.0.2.0/24')
const PORT = 5001
const VTEP_PORT = 4789
const VNI = vni(1)

/** One end: a container's namespace, and the host's side of it. */
interface End {
  readonly container: Kernel
  readonly mac: Mac
  readonly ip: Ip
  readonly vtep: Ip
}

/** Two containers on two hosts that share a loopback for an underlay. */
export class SelfTestStage implements OffloadTrial, Disposable {
  /** The namespace whose loopback is the underlay. */
  readonly underlay: Kernel
  readonly #clock: Clock
  readonly #ends: readonly [End, End]

  /** Throws ERR_KERNEL. */
  constructor(clock: Clock) {
    this.#clock = clock
    this.underlay = inNewNamespace(() => Kernel.open())
    this.underlay.links.change('lo', { up: true })
    this.#ends = [endOf(1), endOf(2)]
  }

  /** Transfer from one to the other: true when all arrives as sent. Rejects with ERR_KERNEL. */
  async passes(choice: OffloadChoice): Promise<boolean> {
    const [near, far] = this.#ends
    using here = new Half(this.underlay, choice, { end: near, other: far })
    using there = new Half(this.underlay, choice, { end: far, other: near })
    const transfer = new Transfer(near, far)
    try {
      await this.#pump(transfer, [here.loop, there.loop])
      return transfer.isIntact
    } finally {
      await transfer.close()
    }
  }

  /** Both hosts have their turns on this thread until the transfer is over, or patience is. */
  async #pump(transfer: Transfer, loops: readonly PacketLoop[]): Promise<void> {
    const deadline = instantAfter(this.#clock.now(), SELF_TEST_PATIENCE_MS)
    while (!transfer.isOver && this.#clock.now() < deadline) {
      for (const loop of loops) {
        loop.turn(0)
        loop.flush()
      }
      await setImmediate()
    }
  }

  [Symbol.dispose](): void {
    for (const { container } of this.#ends) container.close()
    this.underlay.close()
  }
}

function endOf(n: number): End {
  return {
    container: inNewNamespace(() => Kernel.open()),
    mac: parseMac(`02:00:00:00:00:0${n}`),
    ip: parseIp(`192.0.2.${n}`),
    vtep: parseIp(`127.0.0.${n}`),
  }
}

/** A host of the stage with its container plugged in. */
class Half implements Disposable {
  readonly loop = new PacketLoop({
    receiveSlots: SLOTS,
    lost: () => undefined,
    sealing: null,
  })
  readonly #tap: Tap
  readonly #sockets: TunnelSockets

  constructor(underlay: Kernel, choice: OffloadChoice, ends: { end: End; other: End }) {
    const { end, other } = ends
    const { segmentation } = choice
    this.#tap = plug(end, choice.offloads)
    try {
      this.#sockets = openTunnelSockets({ underlay, segmentation }, vtepOf(end))
    } catch (error) {
      this.#tap.close()
      throw error
    }
    this.loop.ports.plug({ port: 0, fd: this.#tap.fd })
    this.loop.tunnel.use(this.#sockets.spec)
    const offloads = offloadBits(this.#tap.offloads)
    const port = { port: 0, addresses: [end.ip], offloads }
    const subnet: EngineSubnet = {
      network: 'self-test',
      encapsulation: 'vxlan',
      mtuBytes: MTU_BYTES,
      prefixes: [{ cidr: PREFIX, gateway: null }],
      ports: new Map([[end.mac, port]]),
      forwarding: new Map([[other.mac, 0]]),
      neighbours: new Map([[other.ip, other.mac]]),
    }
    const peers = new Map([[0, vtepOf(other)]])
    this.loop.load({ peers, changed: new Map([[VNI, subnet]]), gone: [], security: null })
  }

  [Symbol.dispose](): void {
    this.#tap.close()
    this.#sockets.close()
  }
}

function vtepOf({ vtep }: End): { readonly ip: Ip; readonly port: number } {
  return { ip: vtep, port: VTEP_PORT }
}

function plug({ container, ip, mac }: End, offloads: readonly TapOffload[]): Tap {
  const link = { mac, mtuBytes: MTU_BYTES }
  const namespace = container.namespace.fd
  const tap = openTap({ name: 'eth0', namespace, offloads, link })
  const address = parseInterfaceAddress(`${ip}/24`)
  container.addresses.apply('create', { linkIndex: tap.index, address })
  container.links.change(tap.index, { up: true })
  return tap
}

/** One transfer: what was received, and the sockets to be closed. */
class Transfer {
  readonly #sent = Uint8Array.from({ length: SELF_TEST_BYTES }, (_, i) => (i * 7 + (i >> 8)) & 0xff)
  readonly #got: Buffer[] = []
  readonly #server: Server
  readonly #sockets: Socket[] = []
  #bytes = 0
  #failed = false

  constructor(near: End, far: End) {
    const local = { ip: far.ip, port: PORT }
    this.#server = createServer((socket) => this.#accept(socket))
    this.#server.listen({ fd: openTcpListener({ namespace: far.container.namespace.fd, local }) })
    const client = connectTcp({ namespace: near.container.namespace.fd, remote: local })
    client.on('connect', () => client.write(this.#sent))
    this.#keep(client)
  }

  get isOver(): boolean {
    return this.#failed || this.#bytes >= SELF_TEST_BYTES
  }

  get isIntact(): boolean {
    return equalBytes(Buffer.concat(this.#got), this.#sent)
  }

  /** Resolves when every descriptor is closed. */
  async close(): Promise<void> {
    const open = this.#sockets.filter((socket) => !socket.closed)
    const closed = open.map((socket) => once(socket, 'close'))
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all([...closed, new Promise((resolve) => this.#server.close(resolve))])
  }

  #accept(socket: Socket): void {
    this.#keep(socket)
    socket.on('data', (piece: Buffer) => {
      this.#got.push(piece)
      this.#bytes += piece.length
    })
  }

  #keep(socket: Socket): void {
    this.#sockets.push(socket)
    socket.on('error', () => (this.#failed = true))
  }
}

/** What to use, and in words what had to be left out; null when all is well. */
export interface SelfTestFinding {
  readonly choice: OffloadChoice
  readonly lack: string | null
}

/** Try what the machine offers, and less and less of it. Rejects with ERR_KERNEL. */
export async function selfTest(offered: OffloadChoice, clock: Clock): Promise<SelfTestFinding> {
  using stage = new SelfTestStage(clock)
  return await narrowestMeasure(offered, stage)
}

/** The first choice that passes, with the narrowest measure first. */
export async function narrowestMeasure(
  offered: OffloadChoice,
  stage: OffloadTrial,
): Promise<SelfTestFinding> {
  for (const [choice, lack] of ladder(offered)) {
    if (await stage.passes(choice)) return { choice, lack }
  }
  const choice = { offloads: [], segmentation: false }
  return { choice, lack: 'any TCP transfer: even without offloads it fails its self-test' }
}

function ladder({
  offloads,
  segmentation,
}: OffloadChoice): readonly (readonly [OffloadChoice, string | null])[] {
  return [
    [{ offloads, segmentation }, null],
    [{ offloads, segmentation: false }, 'UDP_SEGMENT: it fails the self-test'],
    [{ offloads: [], segmentation }, 'TAP offloads: they fail the self-test'],
    [{ offloads: [], segmentation: false }, 'any offload: they fail the self-test'],
  ]
}
