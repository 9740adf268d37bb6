/** Hearing of changes behind our back: notices of every network, of the underlay, of names. */
import { existsSync, watch, type FSWatcher } from 'node:fs'
import { instantAfter, type Clock } from '@weft/core'
import type { NetworkId } from '@weft/dataplane'
import { openMonitor, type MonitorListener, type Notice, type Watch } from '@weft/linux'
import type { Host } from './host.ts'
import { namespacePrefix } from './names.ts'
import { namedStill } from './networks.ts'
import type { NetworkSite } from './site.ts'

/** Notices that come within so many milliseconds of the first are answered together. */
export const COALESCE_MS = 5

/** Who is told. None of these may throw. */
export interface WatchmanListener {
  /** Notices of one network, as they came. */
  noticed(site: NetworkSite, read: () => readonly Notice[]): void
  /** Notices of a network were lost, or its name changed: read it back. */
  uncertain(id: NetworkId): void
  /** Links or addresses of the underlay changed; not more often than every COALESCE_MS. */
  underlayChanged(): void
}

interface Post {
  readonly identity: string
  readonly watch: Watch
}

/** Keeps one monitor per network and one on the underlay. None keeps the process alive. */
export class Watchman {
  readonly #host: Host
  readonly #clock: Clock
  readonly #listener: WatchmanListener
  readonly #posts = new Map<NetworkId, Post>()
  readonly #closing = new Set<Promise<void>>()
  #underlay: Watch | null = null
  #names: FSWatcher | null = null
  #deaf = false
  #underlayTask: Disposable | null = null

  constructor(host: Host, clock: Clock, listener: WatchmanListener) {
    this.#host = host
    this.#clock = clock
    this.#listener = listener
  }

  /** Watch the underlay and the names of namespaces. Throws ERR_KERNEL. */
  start(): void {
    const changed = (): void => this.#underlayChanged()
    this.#underlay = openMonitor(
      { namespace: this.#host.underlay.namespace.fd, topics: ['links', 'addresses'] },
      { changed, overrun: changed, failed: (fault) => this.#failed('underlay', fault) },
    )
    this.#watchNames()
  }

  /** Watch exactly the networks that are there now. Throws ERR_KERNEL. */
  refresh(): void {
    this.#watchNames()
    for (const [id, post] of this.#posts) {
      const identity = this.#host.sites.get(id)?.kernel.namespace.identity
      if (identity !== post.identity) this.#leave(id, post)
    }
    for (const site of this.#host.sites.values()) {
      if (!this.#posts.has(site.id)) this.#posts.set(site.id, this.#stand(site))
    }
  }

  /** Stop listening; settles when every descriptor is closed. */
  async close(): Promise<void> {
    this.#names?.close()
    this.#underlayTask?.[Symbol.dispose]()
    for (const [id, post] of this.#posts) this.#leave(id, post)
    await Promise.all([...this.#closing, this.#underlay?.close()])
  }

  #stand(site: NetworkSite): Post {
    const { id, kernel } = site
    const listener: MonitorListener = {
      changed: (read) => {
        if (this.#host.sites.get(id) === site) this.#listener.noticed(site, read)
      },
      overrun: () => this.#listener.uncertain(id),
      failed: (fault) => this.#failed(id, fault),
    }
    const { fd, identity } = kernel.namespace
    const topics = ['links', 'neighbours', 'addresses'] as const
    return { identity, watch: openMonitor({ namespace: fd, topics }, listener) }
  }

  #leave(id: NetworkId, { watch: post }: Post): void {
    this.#posts.delete(id)
    const closed = post.close().finally(() => this.#closing.delete(closed))
    this.#closing.add(closed)
  }

  /** A name that goes is no news to the kernel's tables, and only the directory tells. */
  #watchNames(): void {
    const { instance, namespaceDirectory } = this.#host.options
    // The directory comes with the first namespace on a machine that never had one.
    if (this.#names !== null || this.#deaf || !existsSync(namespaceDirectory)) return
    const prefix = namespacePrefix(instance)
    try {
      this.#names = watch(namespaceDirectory, { persistent: false }, (_, name) => {
        if (name?.startsWith(prefix) === true) this.#nameChanged(name.slice(prefix.length))
      })
      this.#names.on('error', (error) => this.#failed('names', error))
    } catch (error) {
      // No inotify to be had: the audit looks as well.
      this.#deaf = true
      this.#failed('names', error)
    }
  }

  /** Our own making and unmaking of names is told too, and no cause for alarm. */
  #nameChanged(id: NetworkId): void {
    const site = this.#host.sites.get(id)
    if (site !== undefined && !namedStill(site)) this.#listener.uncertain(id)
  }

  #underlayChanged(): void {
    const at = instantAfter(this.#clock.now(), COALESCE_MS)
    this.#underlayTask ??= this.#clock.schedule(at, () => {
      this.#underlayTask = null
      this.#listener.underlayChanged()
    })
  }

  #failed(what: string, error: unknown): void {
    this.#host.log.warn('cannot listen for changes, audits go on', { what, error })
  }
}
