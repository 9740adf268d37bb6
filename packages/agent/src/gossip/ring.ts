/** This node's place in the ring, over changes of keys and addresses, and what it hears there. */
import { describeError, formatSocketAddress, instantAfter } from '@weft/core'
import type { GossipSnapshot } from '@weft/gossip'
import { Backoff, type PeerView } from '@weft/swarm'
import type { NodeAddresses } from '../agent-options.ts'
import { CancelSource } from '../async/cancel-source.ts'
import { sleep, TimeLimit, unlessCancelled } from '../async/waiting.ts'
import { GossipNode, ringName, type GossipNodeParts } from './gossip-node.ts'
import type { Publication } from './publisher.ts'
import type { RemoteRows } from './remote-rows.ts'
import { gossipKeys, type SessionKey } from './session-keys.ts'

/** How often it is asked whether gossip has caught up, in ms, as long as it has not. */
const CATCH_UP_CHECK_MS = 250

/** How long peers are told goodbye before a move to another address, in ms. */
const MOVE_GOODBYE_MS = 1000

/** What a ring begins with. */
export interface RingStart {
  readonly name: string
  /** Where that name was. */
  readonly address: string
  readonly snapshot: GossipSnapshot
  readonly keys: readonly SessionKey[]
  readonly managerHosts: readonly string[]
}

/** What a ring needs. */
export interface RingParts extends Omit<GossipNodeParts, 'onRow'> {
  readonly rows: RemoteRows
  readonly addresses: () => NodeAddresses
  /** Rows of others changed. */
  readonly onRows: () => void
}

/** Gossip whenever there are keys for it. */
export class Ring {
  readonly #parts: RingParts
  readonly #stop = new CancelSource()
  #name: string
  #address: string
  #snapshot: GossipSnapshot
  #keys: readonly SessionKey[]
  #hosts: readonly string[]
  #node: GossipNode | null = null
  #publication: Publication = { networks: new Set(), rows: [] }
  #problem = ''
  #turns: Promise<void> = Promise.resolve()
  #timer: Disposable | null = null
  #isOpening = false

  constructor(parts: RingParts, start: RingStart) {
    this.#parts = parts
    this.#name = start.name
    this.#address = start.address
    this.#snapshot = start.snapshot
    this.#keys = start.keys
    this.#hosts = start.managerHosts
  }

  /** Its name and where that is, to be written down. */
  get identity(): { readonly name: string; readonly address: string } {
    return { name: this.#name, address: this.#address }
  }

  /** Why there is no gossip although there are keys; empty otherwise. */
  get problem(): string {
    return this.#problem
  }

  /** Open with the keys of before, if there are any. Throws ERR_ADDRESS_IN_USE and its like. */
  async start(): Promise<void> {
    this.#watchCatchUp()
    if (gossipKeys(this.#keys).length === 0) await this.#probePort()
    else await this.#inTurn(() => this.#open())
  }

  keysAre(keys: readonly SessionKey[]): void {
    this.#keys = keys
    if (this.#node !== null) this.#node.rotate(gossipKeys(keys))
    else this.#openSoon()
  }

  managersAre(hosts: readonly string[]): void {
    this.#hosts = hosts
    this.#node?.managersAre(hosts)
  }

  /** What this node has to say. Throws ERR_ROW_TOO_LARGE; the rest is said. */
  publish(publication: Publication): void {
    this.#publication = publication
    this.#node?.publish(publication)
  }

  peers(): readonly PeerView[] {
    return this.#node?.peers() ?? []
  }

  snapshot(): GossipSnapshot {
    return this.#node?.snapshot() ?? this.#snapshot
  }

  /**
   * Other addresses: another name, and nothing forgotten meanwhile (P25). `publish` is called when
   * the old name is gone and the new one is not there yet. Throws what sockets throw: an address
   * may not be ready yet, and is tried again until it is.
   */
  move(publish: () => void): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#node !== null) await this.#goFrom(this.#node)
      publish()
      try {
        await this.#open()
      } catch (error) {
        this.#openSoon()
        throw error
      } finally {
        this.#watchCatchUp()
      }
    })
  }

  async #goFrom(node: GossipNode): Promise<void> {
    this.#snapshot = withoutNode(node.snapshot(), node.name)
    this.#parts.rows.suspend()
    this.#node = null
    using limit = new TimeLimit(this.#parts.ports.clock, { ms: MOVE_GOODBYE_MS }, () => null)
    await unlessCancelled(node.leave(), limit).catch(() => undefined)
    await node.close()
  }

  /** Say goodbye, and end. */
  leave(): Promise<void> {
    this.#stop.cancel(new Error('the node leaves'))
    return this.#inTurn(async () => {
      await this.#node?.leave()
      this.#node = null
    })
  }

  async close(): Promise<void> {
    this.#stop.cancel(new Error('the node stops'))
    this.#timer?.[Symbol.dispose]()
    await this.#inTurn(async () => {
      if (this.#node === null) return
      this.#snapshot = this.#node.snapshot()
      await this.#node.close()
      this.#node = null
    })
  }

  /** One change of the node at a time, in order. */
  #inTurn(act: () => Promise<void>): Promise<void> {
    const turn = this.#turns.then(act)
    this.#turns = turn.catch(() => undefined)
    return turn
  }

  /** There are keys and no gossip: a port may be taken for now, an address not be there yet. */
  #openSoon(): void {
    if (this.#isOpening) return
    this.#isOpening = true
    void this.#openAtLast().finally(() => (this.#isOpening = false))
  }

  /** Each attempt is a turn of its own: another move may come in between. */
  async #openAtLast(): Promise<void> {
    const { ports, tunables } = this.#parts
    const range = { firstMs: tunables.backoffMsMin, lastMs: tunables.backoffMsMax }
    const backoff = new Backoff(range, ports.random.fork('ring'))
    const attempt = (): Promise<void> => this.#inTurn(() => this.#open())
    while (this.#node === null && !this.#stop.aborted) {
      const isOpen = await attempt().then(
        () => true,
        () => false,
      )
      if (isOpen) return
      await sleep(ports.clock, backoff.nextMs(), this.#stop).catch(() => undefined)
    }
  }

  /** Throws what sockets throw, and shows it as the problem. */
  async #open(): Promise<void> {
    try {
      await this.#openNode()
    } catch (error) {
      this.#problem = describeError(error)
      this.#parts.onPeers()
      throw error
    }
  }

  async #openNode(): Promise<void> {
    const keys = gossipKeys(this.#keys)
    if (this.#node !== null || this.#stop.aborted || keys.length === 0) return
    const { ports, rows, addresses, gossipPort: port, onRows } = this.#parts
    const own = addresses()
    const address = formatSocketAddress({ ip: own.advertiseIp, port })
    if (this.#name === '' || this.#address !== address) {
      this.#snapshot = withoutNode(this.#snapshot, this.#name)
      this.#name = ringName(ports.entropy)
      this.#address = address
    }
    const onRow: GossipNodeParts['onRow'] = (change) => {
      if (rows.apply(change)) onRows()
    }
    const known = { managerHosts: this.#hosts, snapshot: this.#snapshot }
    this.#node = await GossipNode.open(
      { ...this.#parts, onRow },
      { name: this.#name, addresses: own, keys, ...known },
    )
    this.#problem = ''
    // Keys may have changed while the sockets were being bound.
    this.#node.rotate(gossipKeys(this.#keys))
    this.#publishAll()
    this.#parts.onPeers()
  }

  #publishAll(): void {
    try {
      this.#node?.publish(this.#publication)
    } catch (error) {
      this.#parts.ports.log.warn('not all rows announced', { reason: describeError(error) })
    }
  }

  /** A port that is taken is better told now than when keys come. */
  async #probePort(): Promise<void> {
    const { ports, addresses, gossipPort } = this.#parts
    const local = { ip: addresses().bindIp, port: gossipPort }
    await using _socket = await ports.underlay.bind(local, () => undefined)
    await using _listener = await ports.streams.listen(local, (stream) => {
      stream.close()
      return { onBytes: () => undefined, onEnd: () => undefined }
    })
  }

  /** Forget what is only remembered, network by network, as gossip catches up (P13). */
  #watchCatchUp(): void {
    const { ports, rows, onRows, onPeers } = this.#parts
    this.#timer?.[Symbol.dispose]()
    if (this.#stop.aborted) return
    for (const networkId of rows.unconfirmed) {
      if (this.#node?.hasCaughtUp(networkId) !== true) continue
      if (rows.confirm(networkId)) onRows()
      if (rows.unconfirmed.length === 0) onPeers()
    }
    if (rows.unconfirmed.length === 0) return
    const at = instantAfter(ports.clock.now(), CATCH_UP_CHECK_MS)
    this.#timer = ports.clock.schedule(at, () => this.#watchCatchUp())
  }
}

/** What we were under another name is nobody to talk to. */
function withoutNode({ known, knownAttachments }: GossipSnapshot, name: string): GossipSnapshot {
  return {
    known: known.filter((member) => member.name !== name),
    knownAttachments: knownAttachments.filter((entry) => entry.nodeName !== name),
  }
}
