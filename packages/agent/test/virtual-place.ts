/** Where a cluster of a test lives: a network on virtual time, and machines on it. */
import {
  createLogger,
  parseIp,
  type Logger,
  type Streams,
  type Underlay,
} from '@weft/core'
import { createSimWorld, type SimRuntime, type SimWorld } from '@weft/core/testing'
import type { Dataplane } from '@weft/dataplane'
import { simBackend, SimMachine, simOptions } from '@weft/dataplane-sim'
import { ManagerWeb } from './direct-dialer.ts'
import { MemoryFiles } from './memory-files.ts'
import type { MortalClock } from './mortal-clock.ts'
import { NotedDataplane, NotedMachine } from './noted-dataplane.ts'
import { PaperCertificates } from './paper-certificates.ts'
import { StreamWeb } from './sim-streams.ts'

/** Time and the network. */
export class VirtualPlace {
  readonly sim: SimWorld
  readonly web = new ManagerWeb()
  readonly streams: StreamWeb
  readonly certificates = new PaperCertificates()

  constructor(seed: number) {
    this.sim = createSimWorld(seed)
    this.streams = new StreamWeb(this.sim.clock)
  }

  /** What a promise comes to while virtual time goes by; at most a minute. */
  async settled<Result>(work: Promise<Result>): Promise<Result> {
    let isOver = false
    const over = (): void => void (isOver = true)
    void work.then(over, over)
    await this.until(() => isOver)
    return await work
  }

  /** Let time go by until something holds. */
  async until(holds: () => boolean, msMax = 60_000): Promise<void> {
    const came = await this.sim.clock.advanceUntil(holds, msMax)
    if (!came) throw new Error(`it did not come to hold in ${msMax} ms`)
  }

  run(ms: number): Promise<void> {
    return this.sim.clock.advance(ms)
  }
}

/** A machine: what is on it outlives its processes. */
export class VirtualMachine {
  readonly name: string
  readonly host: SimRuntime
  readonly files = new MemoryFiles()
  /** What its dataplane programs: noted, unless `isSimulated`. */
  readonly noted = new NotedMachine()
  isSimulated = false
  readonly logs: string[] = []
  readonly #place: VirtualPlace
  readonly #simulated: SimMachine
  #ip: string
  #underlay: Underlay
  #streams: Streams

  constructor(place: VirtualPlace, name: string, ip: string) {
    this.#place = place
    this.name = name
    this.#ip = ip
    this.host = place.sim.node(name, [ip])
    this.#underlay = this.host.underlay
    this.#streams = place.streams.host(parseIp(ip))
    const mtuBytes = new Map([[parseIp(ip), 1500]])
    this.#simulated = new SimMachine({ underlay: this.host.underlay, mtuBytes })
  }

  get ip(): string {
    return this.#ip
  }

  /** Its sockets, wherever it is just now. */
  sockets(): { readonly underlay: Underlay; readonly streams: Streams } {
    return {
      underlay: { bind: (...given) => this.#underlay.bind(...given) },
      streams: {
        listen: (...given) => this.#streams.listen(...given),
        connect: (...given) => this.#streams.connect(...given),
      },
    }
  }

  openDataplane(clock: MortalClock): Promise<Dataplane> {
    return this.isSimulated
      ? simBackend.open({ ...this.host, clock }, simOptions(this.#simulated))
      : Promise.resolve(new NotedDataplane(this.noted, () => clock.isAlive))
  }

  logger(): Logger {
    return createLogger((level, message, fields) => {
      this.logs.push(`${level} ${message} ${JSON.stringify(fields)}`)
    })
  }

  /** It gets another address; what was bound to the old one hears nothing more. */
  moveTo(name: string, ip: string): void {
    this.dropSockets()
    this.#ip = ip
    this.#underlay = this.#place.sim.node(name, [ip]).underlay
    this.#streams = this.#place.streams.host(parseIp(ip))
  }

  dropSockets(): void {
    this.host.underlay.crash()
    this.#place.streams.crash(parseIp(this.#ip))
    this.#place.web.crash(this.#ip)
  }
}
