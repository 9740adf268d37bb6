/** Looks at one process through its public surfaces: what its watches tell, and what it says. */
import { equalBytes, formatSocketAddress } from '@weft/core'
import type { AttachmentChange, Member, Row, RowChange } from '@weft/gossip'
import type { GossipNode } from '../ring.ts'
import { rowId, type Ledger, type RowId } from './ledger.ts'
import type { Referee } from './referee.ts'

/** Safety of one node, from its start to its end. */
export class NodeObserver {
  readonly name: string
  /** Networks that the workload has attached it to. */
  readonly networks = new Set<string>()
  hasLeft = false
  readonly #node: GossipNode
  readonly #ledger: Ledger
  readonly #referee: Referee
  /** What the watch has told so far. */
  readonly #rows = new Map<RowId, Row>()
  /** The highest Lamport time told of each row, and whether it was told to be deleted. */
  readonly #latest = new Map<RowId, { lTime: number; isDeleted: boolean }>()
  /** Incarnations of members that were there; the dead may be forgotten, and told of anew. */
  readonly #incarnations = new Map<string, number>()

  constructor(name: string, node: GossipNode, court: { ledger: Ledger; referee: Referee }) {
    this.name = name
    this.#node = node
    this.#ledger = court.ledger
    this.#referee = court.referee
    node.tables.watchRows({}, (change) => this.#seeRow(change))
    node.tables.watchAttachments((change) => this.#seeAttachment(change))
  }

  /** Rows that the watch has told of and that are there. */
  get rows(): ReadonlyMap<RowId, Row> {
    return this.#rows
  }

  /** The workload has detached it: what it knew of that network, it may forget. */
  detached(networkId: string): void {
    this.networks.delete(networkId)
    for (const id of this.#latest.keys()) {
      if (id.startsWith(`${networkId}/`)) this.#latest.delete(id)
    }
  }

  /** What can be looked at between steps only. */
  check(): void {
    this.#checkMembers()
    this.#checkReplay()
  }

  #report(check: Parameters<Referee['report']>[0], what: string): void {
    this.#referee.report(check, this.name, what)
  }

  #seeRow({ type, row, previous, road }: RowChange): void {
    const id = rowId(row)
    const known = this.#rows.get(id)
    if (type === 'delete') {
      if (known === undefined) this.#report('watch-replay', `${id} was deleted, never created`)
      this.#rows.delete(id)
      // Who is replaced at its address is forgotten, with its rows, which may be told of anew.
      if (road === 'membership' && this.#ledger.isReplaced(row.owner)) {
        this.#latest.delete(id)
        return
      }
      const lTime = Math.max(known?.lTime ?? 0, this.#latest.get(id)?.lTime ?? 0)
      this.#latest.set(id, { lTime, isDeleted: road !== 'membership' })
      return
    }
    if (type === 'create' && known !== undefined) {
      this.#report('watch-replay', `${id} was created twice`)
    }
    if (type === 'update' && (known === undefined || !isSameRow(known, previous))) {
      this.#report('watch-replay', `${id} updated from something that was never told`)
    }
    if (road === 'local') this.#ledger.confirm(row)
    this.#judgeRow(id, row)
    this.#rows.set(id, row)
  }

  #judgeRow(id: RowId, row: Row): void {
    const doubt = this.#ledger.doubt(row)
    if (doubt !== null) this.#report('no-invention', `${id}: ${doubt}`)
    if (!this.networks.has(row.networkId)) this.#report('isolation', `${id} was told`)
    const latest = this.#latest.get(id)
    if (latest !== undefined && row.lTime < latest.lTime) {
      this.#report('lamport-monotone', `${id} went from ${latest.lTime} to ${row.lTime}`)
    }
    if (latest?.isDeleted === true && row.lTime <= latest.lTime) {
      this.#report('no-resurrection', `${id} of ${row.lTime} is back after its deletion`)
    }
    this.#latest.set(id, { lTime: row.lTime, isDeleted: false })
  }

  #seeAttachment({ type, nodeName, networkId }: AttachmentChange): void {
    if (type === 'attach' && !this.#ledger.everAttached(nodeName, networkId)) {
      this.#report('known-attachments', `${nodeName} never attached to ${networkId}`)
    }
  }

  #checkMembers(): void {
    const { roster } = this.#node.membership
    const { state } = roster.self
    if (!this.hasLeft && state !== 'alive') {
      this.#report('self-alive', `it takes itself for ${state}`)
    }
    this.#seeMember(roster.self)
    for (const member of roster.all()) this.#seeMember(member)
  }

  #seeMember({ name, incarnation, address, state }: Member): void {
    const truly = this.#ledger.addressOf(name)
    const shown = formatSocketAddress(address)
    if (truly !== shown) this.#report('known-members', `${name} at ${shown}: ${truly ?? 'nobody'}`)
    const before = this.#incarnations.get(name) ?? 0
    if (incarnation < before) {
      this.#report('incarnation-monotone', `${name} went from ${before} to ${incarnation}`)
    }
    if (state === 'alive' || state === 'suspect') this.#incarnations.set(name, incarnation)
    else this.#incarnations.delete(name)
  }

  #checkReplay(): void {
    let count = 0
    for (const row of this.#node.tables.rows({})) {
      count++
      if (!this.networks.has(row.networkId)) this.#report('isolation', `${rowId(row)} is held`)
      if (!isSameRow(row, this.#rows.get(rowId(row)) ?? null)) {
        this.#report('watch-replay', `${rowId(row)} is held, and the watch told otherwise`)
      }
    }
    if (count !== this.#rows.size) {
      this.#report('watch-replay', `${count} rows are held, the watch told of ${this.#rows.size}`)
    }
  }
}

function isSameRow(a: Row, b: Row | null): boolean {
  if (b === null) return false
  return a.lTime === b.lTime && a.owner === b.owner && equalBytes(a.value, b.value)
}
