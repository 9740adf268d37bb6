/** The demo's world in the kernel: hosts and containers are namespaces, owners are processes. */
import type { Ip, Mac } from '@weft/core'
import type { ApplyReport, Attachment, DesiredState, ObservedState } from '@weft/dataplane'
import { kernelOptions } from '@weft/dataplane-kernel'
import { Container, DataplaneProcess, Traffic, Underlay, type LabHost, type TrafficPath } from '@weft/lab'
import { VXLAN_PORT, type CastContainer } from './cast.ts'
import { FloodStream } from './flood-stream.ts'
import { deleteForwarding, fingerprint, forwardingReturned, leftovers } from './kernel-tables.ts'
import { UnderlayRecorder } from './underlay-recorder.ts'
import type {
  EchoStream,
  PingOutcome,
  TransferOutcome,
  UnderlayFrame,
  World,
  WorldHost,
} from './world.ts'

const SILENCE_MS = 500
const STREAM_PER_SECOND = 500

/**
 * Build the underlay and open a dataplane on each host. With `keep` the owners outlive this
 * process, with `record` all that crosses the underlay is kept. Rejects with what the lab or the
 * kernel refused; nothing is left then.
 */
export async function openKernelWorld(
  hosts: number,
  { keep, record }: { readonly keep: boolean; readonly record: boolean },
): Promise<World> {
  const world = new KernelWorld(Underlay.open({ hosts, layout: 'routed' }), record)
  try {
    await world.open(keep)
    return world
  } catch (error) {
    await world.close()
    throw error
  }
}

/** Invariant: what it made is in `#underlay`, `#owners` and `#rooms`, and goes with `close`. */
class KernelWorld implements World {
  readonly backend = 'kernel'
  readonly material = 'hosts and containers are network namespaces of this machine'
  readonly #underlay: Underlay
  readonly #recorder: UnderlayRecorder
  readonly #traffic = new Traffic()
  readonly #owners = new Map<string, DataplaneProcess>()
  readonly #rooms = new Map<CastContainer, Container>()
  readonly #left = new Map<CastContainer, Container>()

  constructor(underlay: Underlay, record: boolean) {
    this.#underlay = underlay
    this.#recorder = new UnderlayRecorder(underlay.hosts, { record })
  }

  get hosts(): readonly WorldHost[] {
    return this.#underlay.hosts.map(({ ips, name, subnet }) => ({
      name,
      vtep: { ip: ips[4], port: VXLAN_PORT },
      subnet: this.#underlay.plan.subnets[subnet]?.prefixes[4] ?? '',
    }))
  }

  async open(stay: boolean): Promise<void> {
    const opened = this.#underlay.hosts.map(async (host) => {
      this.#owners.set(host.name, await openOwner(host, stay))
    })
    await Promise.all(opened)
  }

  now(): number {
    return performance.now()
  }

  async place(container: CastContainer): Promise<Attachment> {
    const before = this.#rooms.get(container)
    if (before !== undefined) this.#left.set(container, before)
    const room = Container.open(`${container.name}.${container.host}`)
    this.#rooms.set(container, room)
    return room.attachment
  }

  async vacate(container: CastContainer): Promise<void> {
    await this.#left.get(container)?.close()
    this.#left.delete(container)
  }

  apply(host: string, desired: DesiredState): Promise<ApplyReport> {
    return this.#owner(host).dataplane.apply(desired)
  }

  observe(host: string): Promise<ObservedState> {
    return this.#owner(host).dataplane.observe()
  }

  async ping(from: CastContainer, to: Ip, payloadBytes: number): Promise<PingOutcome> {
    const outcome = await this.#room(from).echo(to, { payloadBytes, withinMs: SILENCE_MS })
    if (outcome.ok) return { ok: true, ms: outcome.roundTripMs }
    const { diagnostic, mtuBytes, reason } = outcome
    return { ok: false, reason: `${reason}: ${diagnostic}`, mtuBytes }
  }

  async transfer(from: CastContainer, to: CastContainer, bytes: number): Promise<TransferOutcome> {
    const report = await this.#traffic.transfer({ ...this.#path(from, to), bytes })
    return { bytes: report.bytes, intact: report.digest !== null, ms: report.ms }
  }

  async stream(from: CastContainer, to: CastContainer): Promise<EchoStream> {
    const options = { ...this.#path(from, to), perSecond: STREAM_PER_SECOND }
    return new FloodStream(await this.#traffic.flood(options))
  }

  #path(from: CastContainer, to: CastContainer): TrafficPath {
    return { from: this.#room(from).netns, to: this.#room(to).netns, address: to.ip }
  }

  async forgetNeighbours(container: CastContainer): Promise<void> {
    this.#room(container).flushNeighbours()
  }

  async listening(
    work: (transmit: (from: CastContainer, frame: Uint8Array) => void) => Promise<void>,
  ): Promise<ReadonlyMap<CastContainer, readonly Uint8Array[]>> {
    const taps = [...this.#rooms].map(([member, room]) => ({ member, room, tap: room.listen() }))
    try {
      await work((from, frame) => {
        const place = taps.find(({ member }) => member === from)
        const refusal = place?.tap.send(frame, place.room.facts()?.link.index ?? 0)
        if (refusal) throw new Error(`${from.name} cannot send: ${refusal.diagnostic}`)
      })
      const heard = new Map<CastContainer, readonly Uint8Array[]>()
      for (const { member, tap } of taps) {
        heard.set(member, (await tap.take()).map((frame) => frame.bytes))
      }
      return heard
    } finally {
      for (const { tap } of taps) await tap.close()
    }
  }

  async capturing(work: () => Promise<void>): Promise<readonly UnderlayFrame[]> {
    return this.#recorder.during(work)
  }

  async captured(): Promise<readonly UnderlayFrame[]> {
    return this.#recorder.all()
  }

  captureLost(): number {
    return this.#recorder.lost()
  }

  async deleteForwarding(host: string, network: string, mac: Mac): Promise<string> {
    return deleteForwarding({ instance: host, network }, mac)
  }

  async forwardingReturned(host: string, network: string, mac: Mac): Promise<number | null> {
    return forwardingReturned({ instance: host, network }, mac)
  }

  killOwner(host: string): Promise<void> {
    return this.#owner(host).kill('SIGKILL')
  }

  succeed(host: string): Promise<void> {
    return this.#owner(host).restart()
  }

  async fingerprint(host: string): Promise<string> {
    return fingerprint(host)
  }

  async close(): Promise<readonly string[]> {
    for (const owner of this.#owners.values()) await owner.close('teardown')
    await this.#recorder.close()
    await this.#traffic[Symbol.asyncDispose]()
    for (const room of [...this.#rooms.values(), ...this.#left.values()]) await room.close()
    const running = [...this.#owners.values()].filter((owner) => owner.running)
    const processes = running.map((owner) => `process ${owner.pid}`)
    const devices = this.#underlay.hosts.flatMap((host) => leftoverDevices(host))
    this.#underlay.close()
    return [...processes, ...devices, ...leftovers()]
  }

  async keep(): Promise<readonly string[]> {
    await this.#recorder.close()
    await this.#traffic[Symbol.asyncDispose]()
    for (const { netns } of this.#underlay.hosts) netns.abandon()
    this.#underlay.router.abandon()
    for (const room of this.#rooms.values()) room.netns.abandon()
    const pids = [...this.#owners.values()].map((owner) => String(owner.pid))
    const user = process.env['WEFT_MAPPED_ROOT'] === '1' ? ' --user --preserve-credentials' : ''
    return [
      'The lab stays up, held by the processes that own its dataplanes.',
      `  enter    nsenter --target ${pids[0] ?? ''}${user} --mount --net`,
      '  inside   ip netns list; ip netns exec blue-1.host-1 ping 10.0.1.12',
      `  remove   kill ${pids.join(' ')}`,
    ]
  }

  #owner(host: string): DataplaneProcess {
    const owner = this.#owners.get(host)
    if (owner === undefined) throw new Error(`bug: no host ${host}`)
    return owner
  }

  #room(container: CastContainer): Container {
    const room = this.#rooms.get(container)
    if (room === undefined) throw new Error(`bug: ${container.name} has no room`)
    return room
  }
}

function openOwner(host: LabHost, stay: boolean): Promise<DataplaneProcess> {
  const kernel = kernelOptions({ instance: host.name, underlayNamespace: host.netns.path })
  return DataplaneProcess.open({ kernel, stay })
}

/** Devices on a host beside its own two. */
function leftoverDevices(host: LabHost): string[] {
  const links = host.netns.kernel.links.list()
  const own = ['lo', host.ifname]
  return links.filter((link) => !own.includes(link.name)).map((link) => `${host.name}: ${link.name}`)
}
