/** Events as Docker has them: the last few are kept, and told to whoever listens. */
import type { EventJson } from '../objects/system-json.ts'

/** Events that are kept for `since`: Docker's own number. */
export const EVENTS_KEPT_MAX = 256
/** Who may listen at once. */
export const EVENT_LISTENERS_MAX = 256

/** One event, with its time exactly. */
export interface EngineEvent extends Omit<EventJson, 'time' | 'timeNano'> {
  /** Nanoseconds since the epoch. */
  readonly nanos: bigint
}

/** Who wants to hear of events. */
export type EventListener = (event: EngineEvent) => void

/** The last events, and the listeners. */
export class EventLog {
  readonly #kept: EngineEvent[] = []
  readonly #listeners = new Set<{ readonly hear: EventListener; readonly end: () => void }>()

  get listeners(): number {
    return this.#listeners.size
  }

  add(event: EngineEvent): void {
    this.#kept.push(event)
    if (this.#kept.length > EVENTS_KEPT_MAX) this.#kept.shift()
    for (const { hear } of [...this.#listeners]) hear(event)
  }

  /** What is kept from then on, oldest first. */
  since(nanos: bigint): readonly EngineEvent[] {
    return this.#kept.filter((event) => event.nanos >= nanos)
  }

  /** `end` is called when the log ends. Null when there are too many already. */
  listen(hear: EventListener, end: () => void): Disposable | null {
    if (this.#listeners.size >= EVENT_LISTENERS_MAX) return null
    const listener = { hear, end }
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) }
  }

  /** Ends every stream. */
  end(): void {
    for (const { end } of [...this.#listeners]) end()
    this.#listeners.clear()
  }
}

/** A line of GET /events. Written by hand, because JSON's numbers end before nanoseconds do. */
export function eventLine({ nanos, ...event }: EngineEvent): string {
  const time = nanos / 1_000_000_000n
  return `${JSON.stringify(event).slice(0, -1)},"time":${time},"timeNano":${nanos}}\n`
}
