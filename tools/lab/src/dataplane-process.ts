/** A host's dataplane in a process of its own, so that its owner can be killed and succeeded. */
import { assert } from '@weft/core'
import type { Damage } from '@weft/dataplane/compliance'
import { DataplaneOwner } from './dataplane-owner.ts'
import type { HostDataplane } from './host-dataplane.ts'
import { RemoteDataplane } from './remote-dataplane.ts'

/** Where a dataplane process comes from, and where it goes when it is needed no more. */
export interface OwnerSource {
  take(): DataplaneOwner
  /** `owner` is alive and its dataplane is closed. */
  giveBack(owner: DataplaneOwner): Promise<void>
}

/** How a dataplane process is to be started. */
export interface DataplaneProcessOptions {
  /** As `hostDataplane` makes them; `underlayNamespace` is the host's. */
  readonly dataplane: HostDataplane
  /** Keep running, with the dataplane open, when this process ends; false when left out. */
  readonly stay?: boolean
  /** Processes are started for the purpose and killed afterwards when left out. */
  readonly source?: OwnerSource
}

/**
 * The process that owns a host's dataplane. It ends with us unless told to stay. Invariant: at
 * most one process at a time owns the host's dataplane, and `dataplane` is its proxy.
 */
export class DataplaneProcess implements AsyncDisposable {
  readonly #spec: HostDataplane
  readonly #source: OwnerSource
  #owner: DataplaneOwner
  #dataplane: RemoteDataplane
  /** Descriptors of the process before it opened the dataplane. */
  #before: readonly string[]

  private constructor(
    parts: { readonly spec: HostDataplane; readonly source: OwnerSource },
    opened: OpenedOwner,
  ) {
    this.#spec = parts.spec
    this.#source = parts.source
    this.#owner = opened.owner
    this.#dataplane = opened.dataplane
    this.#before = opened.before
  }

  /** Start a process and open a dataplane in it. Rejects with what the backend threw. */
  static async open(options: DataplaneProcessOptions): Promise<DataplaneProcess> {
    const { dataplane: spec, stay = false, source = freshOwners(stay) } = options
    return new DataplaneProcess({ spec, source }, await openIn(source, spec))
  }

  /** The dataplane that is open now, or was open last; another object after `restart`. */
  get dataplane(): RemoteDataplane {
    return this.#dataplane
  }

  /** Id of the process that owns the dataplane now, or did last. */
  get pid(): number {
    return this.#owner.pid
  }

  /** False once the process has ended. */
  get running(): boolean {
    return this.#owner.running
  }

  /** End the process on the spot, nothing is closed; resolves when it is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.#owner.running) await this.#owner.kill(signal)
  }

  /** Open a dataplane again, as a successor would; a process that still runs is killed first. */
  async restart(): Promise<void> {
    await this.kill()
    const opened = await openIn(this.#source, this.#spec)
    this.#owner = opened.owner
    this.#dataplane = opened.dataplane
    this.#before = opened.before
  }

  /** Damage a userspace dataplane behind its back: only its own process can. */
  async damage(wound: Damage): Promise<void> {
    await this.#owner.call('damage', wound)
  }

  /** Close the dataplane, if it still has an owner, and let go of the process. */
  async close(mode: 'detach' | 'teardown'): Promise<void> {
    if (!this.#owner.running) return
    await this.#dataplane.close(mode)
    await this.release()
  }

  /**
   * Let go of a process whose dataplane is closed. Resolves to what it has open more than before:
   * sockets and namespaces that the dataplane forgot.
   */
  async release(): Promise<readonly string[]> {
    if (!this.#owner.running) return []
    const open = await this.#owner.call('descriptors', null)
    await this.#source.giveBack(this.#owner)
    return forgotten(this.#before, open)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close('teardown')
  }
}

interface OpenedOwner {
  readonly owner: DataplaneOwner
  readonly dataplane: RemoteDataplane
  readonly before: readonly string[]
}

async function openIn(source: OwnerSource, spec: HostDataplane): Promise<OpenedOwner> {
  const owner = source.take()
  try {
    const before = await owner.call('descriptors', null)
    const opened = await owner.call('open', spec)
    return { owner, before, dataplane: new RemoteDataplane(owner, opened) }
  } catch (error) {
    if (owner.running) await owner.kill('SIGKILL')
    throw error
  }
}

/** Sockets and namespaces only: what else a process opens at first use, it keeps for the next. */
function forgotten(before: readonly string[], after: readonly string[]): string[] {
  const counted = (all: readonly string[]): string[] =>
    all.filter((what) => /socket:|net:\[|\/netns\//.test(what))
  const known = new Set(counted(before))
  return counted(after).filter((what) => !known.has(what))
}

/** Each dataplane in a new process. */
function freshOwners(stay: boolean): OwnerSource {
  return {
    take: () => {
      const owner = new DataplaneOwner({ stay })
      owner.hold(!stay)
      return owner
    },
    giveBack: (owner) => owner.kill('SIGKILL'),
  }
}

/** Processes that own one dataplane after another, with spare ones started ahead of need. */
export class OwnerPool implements OwnerSource, AsyncDisposable {
  readonly #idle: DataplaneOwner[] = []
  readonly #spares: number

  /** `spares`: how many idle processes to have in hand. */
  constructor({ spares }: { readonly spares: number }) {
    this.#spares = spares
    this.#refill()
  }

  take(): DataplaneOwner {
    this.#refill()
    const owner = this.#idle.shift()
    this.#refill()
    assert(owner !== undefined, 'a refilled pool has an idle process')
    owner.hold(true)
    return owner
  }

  async giveBack(owner: DataplaneOwner): Promise<void> {
    owner.hold(false)
    this.#idle.unshift(owner)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#idle.splice(0).map((owner) => owner.kill('SIGKILL')))
  }

  #refill(): void {
    const dead = this.#idle.filter((owner) => !owner.running)
    for (const owner of dead) this.#idle.splice(this.#idle.indexOf(owner), 1)
    while (this.#idle.length < Math.max(1, this.#spares)) {
      const owner = new DataplaneOwner({ stay: false })
      owner.hold(false)
      this.#idle.push(owner)
    }
  }
}
