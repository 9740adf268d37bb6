/** The event loop: hosts, their cores and what is on the way between them, on virtual time. */
import { assert, type Instant, type Ip, type SocketAddress } from '@weft/core'
import type { GossipOutput } from '@weft/gossip'
import type { WorldWatch } from './crossing.ts'
import { EventHeap, SimEvent } from './event-heap.ts'
import type { NetworkModel } from './network-model.ts'
import { NodeClock, type ClockError } from './node-clock.ts'
import type { SimCore } from './sim-core.ts'
import { SimProcess, type Blockage } from './sim-process.ts'
import { StreamNetwork } from './stream-network.ts'

/** Timers in a row that a core may have due at one instant; more, and it is never done. */
export const SPINS_MAX = 10_000

/** A core threw, or was never done: a bug, and the end of the run. */
export interface CoreFailure {
  readonly host: number
  readonly error: unknown
}

const NOWHERE: readonly number[] = []
const LOOPBACK: readonly number[] = [0]

/** What happens at an instant. */
class Task extends SimEvent {
  readonly #run: () => void

  constructor(at: number, run: () => void) {
    super(at)
    this.#run = run
  }

  override happen(): void {
    this.#run()
  }
}

interface Datagram<Core extends SimCore> {
  readonly from: number
  readonly to: SimProcess<Core>
  readonly bytes: Uint8Array
}

/** A datagram reaches its host. */
class Arrival<Core extends SimCore> extends SimEvent {
  readonly #datagram: Datagram<Core>
  readonly #arrive: (datagram: Datagram<Core>) => void

  constructor(at: number, datagram: Datagram<Core>, arrive: (datagram: Datagram<Core>) => void) {
    super(at)
    this.#datagram = datagram
    this.#arrive = arrive
  }

  override happen(): void {
    this.#arrive(this.#datagram)
  }
}

/** A host's timer. There may be older ones in the heap: only the one at `timer.at` counts. */
class Timer<Core extends SimCore> extends SimEvent {
  readonly #host: SimProcess<Core>
  readonly #life: number
  readonly #due: (host: SimProcess<Core>) => void

  constructor(at: number, host: SimProcess<Core>, due: (host: SimProcess<Core>) => void) {
    super(at)
    this.#host = host
    this.#life = host.life
    this.#due = due
  }

  override happen(): void {
    const { timer, life, core } = this.#host
    if (life !== this.#life || timer.at !== this.at || core === null) return
    timer.at = Infinity
    this.#due(this.#host)
  }
}

/** Everything that happens follows from the cores, the model and the order of calls. */
export class World<Core extends SimCore> {
  readonly model: NetworkModel
  readonly hosts: SimProcess<Core>[] = []
  readonly #heap = new EventHeap()
  readonly #hostOf = new Map<Ip, SimProcess<Core>>()
  readonly #watch: WorldWatch
  readonly #streams: StreamNetwork<Core>
  readonly #onArrival = (datagram: Datagram<Core>): void => this.#arrive(datagram)
  readonly #onTimer = (host: SimProcess<Core>): void => this.#timerDue(host)
  #now = 0
  #failure: CoreFailure | null = null

  constructor(model: NetworkModel, watch: WorldWatch) {
    this.model = model
    this.#watch = watch
    this.#streams = new StreamNetwork<Core>({
      model,
      now: () => this.#now,
      at: (when, run) => this.at(when, run),
      host: (index) => this.#host(index),
      hostAt: (address) => this.#hostAt(address),
      input: (host, act) => this.#input(host, act),
      sent: (crossing) => this.#watch.streamBytes?.(crossing),
      tell: (what, from, to) => this.#watch.tell?.(what, from, to),
    })
  }

  /** Virtual milliseconds since the beginning. */
  get now(): number {
    return this.#now
  }

  /** What went wrong inside a core; null while nothing did. Nothing happens after it. */
  get failure(): CoreFailure | null {
    return this.#failure
  }

  /** Add a host, without a process. */
  addHost(address: SocketAddress, clock: ClockError): SimProcess<Core> {
    const host = new SimProcess<Core>(this.hosts.length, address, new NodeClock(clock))
    this.hosts.push(host)
    assert(!this.#hostOf.has(address.ip), 'an address belongs to one host')
    this.#hostOf.set(address.ip, host)
    return host
  }

  /** Start a process on a host; `create` is handed its instant. */
  start(host: SimProcess<Core>, create: (now: Instant) => Core): Core {
    assert(host.core === null, 'a host runs one process')
    const core = create(host.clock.read(this.#now))
    host.start(core)
    this.#pump(host)
    return core
  }

  /** The host falls silent, and everything its process knew is gone. */
  crash(host: SimProcess<Core>): void {
    host.stop()
  }

  /** A node's clock jumps ahead. */
  stepClock(host: SimProcess<Core>, ms: number): void {
    host.clock.step(ms)
    this.#arm(host)
  }

  /** For `ms` that stands still; then timers come first, as in Node, and what was held next. */
  block(host: SimProcess<Core>, what: Blockage, ms: number): void {
    if (host.core === null || host.blocked !== null) return
    const { life } = host
    host.blocked = what
    this.at(this.#now + ms, () => {
      if (host.life === life && host.core !== null) this.#wake(host)
    })
  }

  /** The user of a node does something with it. What `act` throws is the caller's. */
  act<Result>(host: SimProcess<Core>, act: (core: Core, now: Instant) => Result): Result {
    assert(host.core !== null, 'a process that is not there can be asked nothing')
    try {
      return act(host.core, host.clock.read(this.#now))
    } finally {
      if (host.blocked !== 'process') this.#pump(host)
    }
  }

  /** Run something at an instant. */
  at(when: number, run: () => void): void {
    this.#heap.add(new Task(when, run))
  }

  /** Let virtual time go by until `until`, or until a core fails. */
  run(until: number): void {
    const heap = this.#heap
    while (this.#failure === null) {
      const event = heap.take(until)
      if (event === null) break
      this.#now = event.at
      event.happen()
    }
    if (this.#failure === null) this.#now = Math.max(this.#now, until)
  }

  #arrive(datagram: Datagram<Core>): void {
    const { from, to, bytes } = datagram
    const sender = this.#host(from)
    if (to.core === null || this.model.isCut(from, to.index)) {
      sender.traffic.packetsLost++
      return
    }
    if (to.blocked === null) return this.#receive(to, sender.address, bytes)
    const take = (): void => this.#receive(to, sender.address, bytes)
    if (!to.buffer.holdDatagram(bytes.length, take)) to.traffic.packetsOverflowed++
  }

  #timerDue(host: SimProcess<Core>): void {
    const { core } = host
    if (core === null || host.blocked === 'process') return
    const deadline = core.nextDeadline()
    let now = host.clock.read(this.#now)
    if (deadline !== null && deadline > now && host.clock.virtual(deadline) <= this.#now) {
      now = host.clock.reach(deadline)
    }
    if (deadline !== null && deadline <= now) this.#tick(host, core, now)
    else this.#arm(host)
  }

  #wake(host: SimProcess<Core>): void {
    host.blocked = null
    host.timer.at = Infinity
    this.#timerDue(host)
    const { life } = host
    for (const output of host.buffer.takeOutputs()) this.#put(host, output)
    for (const take of host.buffer.take()) if (host.life === life) take()
  }

  #tick(host: SimProcess<Core>, core: Core, now: Instant): void {
    host.timer.spins = host.timer.spunAt === this.#now ? host.timer.spins + 1 : 0
    host.timer.spunAt = this.#now
    try {
      assert(host.timer.spins < SPINS_MAX, 'a core is done at some time')
      core.tick(now)
      this.#pump(host)
    } catch (error) {
      this.#failure ??= { host: host.index, error }
    }
  }

  #receive(host: SimProcess<Core>, from: SocketAddress, bytes: Uint8Array): void {
    host.traffic.packetsReceived++
    const { core } = host
    if (core === null) return
    try {
      core.receive(host.clock.read(this.#now), from, bytes)
      this.#pump(host)
    } catch (error) {
      this.#failure ??= { host: host.index, error }
    }
  }

  #input(host: SimProcess<Core>, act: (core: Core) => void): void {
    const { core } = host
    if (core === null) return
    try {
      act(core)
      this.#pump(host)
    } catch (error) {
      this.#failure ??= { host: host.index, error }
    }
  }

  #pump(host: SimProcess<Core>): void {
    const { core } = host
    if (core === null) return
    if (host.blocked === 'network') host.buffer.holdOutputs(core.drain())
    else for (const output of core.drain()) this.#put(host, output)
    this.#arm(host)
  }

  #put(host: SimProcess<Core>, output: GossipOutput): void {
    switch (output.kind) {
      case 'packet':
        return this.#transmit(host, output.to, output.bytes)
      case 'stream-open':
        return this.#streams.open(host, output.stream, output.to)
      case 'stream-write':
        return this.#streams.write(host, output.stream, output.bytes)
      case 'stream-close':
        return this.#streams.close(host, output.stream)
    }
  }

  #transmit(host: SimProcess<Core>, address: SocketAddress, bytes: Uint8Array): void {
    const { traffic, index } = host
    traffic.packetsSent++
    traffic.packetBytesSent += bytes.length
    const to = this.#hostAt(address)
    const travels = to === null ? NOWHERE : this.#travels(index, to.index)
    this.#watch.packet?.({ from: index, to: to?.index ?? null, bytes, copies: travels.length })
    if (to === null || travels.length === 0) {
      traffic.packetsLost++
      return
    }
    for (const ms of travels) {
      // A copy for each: a sender may use its buffer again, and a recipient may keep what it got.
      const datagram = { from: index, to, bytes: bytes.slice() }
      this.#heap.add(new Arrival(this.#now + ms, datagram, this.#onArrival))
    }
  }

  #arm(host: SimProcess<Core>): void {
    const deadline = host.core?.nextDeadline() ?? null
    if (deadline === null || host.blocked === 'process') return
    const due = Math.max(host.clock.virtual(deadline), this.#now)
    if (due >= host.timer.at) return
    host.timer.at = due
    this.#heap.add(new Timer(due, host, this.#onTimer))
  }

  #travels(from: number, to: number): readonly number[] {
    return from === to ? LOOPBACK : this.model.datagram(from, to)
  }

  #hostAt(address: SocketAddress): SimProcess<Core> | null {
    const host = this.#hostOf.get(address.ip)
    return host === undefined || host.address.port !== address.port ? null : host
  }

  #host(index: number): SimProcess<Core> {
    const host = this.hosts[index]
    assert(host !== undefined, 'hosts are numbered from 0')
    return host
  }
}
