/** Events that came before what they depend on: kept until it comes, instead of dropped (P2). */
import { instantAfter, type Instant } from '@weft/core'
import type { NetworkEvent, TableEvent } from '../networkdb/messages.ts'
import type { Road } from './table.ts'

/** Events held at once; beyond, the oldest owner's go first. Anti-entropy brings them again. */
export const HELD_EVENTS_MAX = 4096

/** How long an event waits, in ms: by then anti-entropy has brought what it depends on. */
export const HELD_MS_MAX = 30_000

/** An event that waits for its owner. */
export interface HeldEvent {
  readonly event: NetworkEvent | TableEvent
  readonly road: Road
  readonly until: Instant
}

/** Bounded memory of early events, by owner; a newer event about the same thing replaces it. */
export class HeldEvents {
  readonly #owners = new Map<string, Map<string, HeldEvent>>()
  #size = 0
  #dropped = 0

  /** Events that wait now. */
  get size(): number {
    return this.#size
  }

  /** Events thrown away unheard, ever. */
  get dropped(): number {
    return this.#dropped
  }

  /** Keep an event; false when a newer one about the same thing is kept already. */
  hold(now: Instant, event: NetworkEvent | TableEvent, road: Road): boolean {
    const ofOwner = this.#owners.get(event.nodeName) ?? new Map<string, HeldEvent>()
    const id = subject(event)
    const known = ofOwner.get(id)
    if (known !== undefined && known.event.lTime >= event.lTime) return false
    if (known === undefined && this.#size >= HELD_EVENTS_MAX) this.#dropOldest()
    if (known === undefined) this.#size++
    ofOwner.set(id, { event, road, until: instantAfter(now, HELD_MS_MAX) })
    this.#owners.set(event.nodeName, ofOwner)
    return true
  }

  /** Take out what an owner's arrival may have made ready, in order of arrival. */
  take(owner: string): readonly HeldEvent[] {
    const ofOwner = this.#owners.get(owner)
    if (ofOwner === undefined) return []
    this.#owners.delete(owner)
    this.#size -= ofOwner.size
    return [...ofOwner.values()]
  }

  /** Throw away what waited too long. */
  expire(now: Instant): void {
    for (const [owner, ofOwner] of this.#owners) {
      for (const [id, held] of ofOwner) if (held.until <= now) this.#drop(ofOwner, id)
      if (ofOwner.size === 0) this.#owners.delete(owner)
    }
  }

  #dropOldest(): void {
    for (const [owner, ofOwner] of this.#owners) {
      for (const id of ofOwner.keys()) {
        this.#drop(ofOwner, id)
        if (ofOwner.size === 0) this.#owners.delete(owner)
        return
      }
    }
  }

  #drop(ofOwner: Map<string, HeldEvent>, id: string): void {
    ofOwner.delete(id)
    this.#size--
    this.#dropped++
  }
}

/** What an event is about, within its owner. */
function subject(event: NetworkEvent | TableEvent): string {
  if (event.kind === 'network') return event.networkId
  return `${event.networkId}\0${event.tableName}\0${event.key}`
}
