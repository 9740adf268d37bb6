/** Typed events: synchronous, in subscription order, after the state they announce. */

/** Event names with what each carries. An event says *look again*; it is not the state. */
export type EventMap = { readonly [name: string]: unknown }

/** The side that listens. */
export interface EventSource<Events extends EventMap> {
  /** Call `listener` on each such event until disposed. A listener must not throw. */
  on<Name extends keyof Events>(
    name: Name,
    listener: (event: Events[Name]) => void,
  ): Disposable
}

/** The side that announces. Keeps listeners in subscription order. */
export class Emitter<Events extends EventMap> implements EventSource<Events> {
  readonly #listeners = new Map<keyof Events, Set<{ call: (event: never) => void }>>()

  on<Name extends keyof Events>(
    name: Name,
    listener: (event: Events[Name]) => void,
  ): Disposable {
    const entry = { call: listener as (event: never) => void }
    const entries = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, entries.add(entry))
    return { [Symbol.dispose]: () => void entries.delete(entry) }
  }

  /** Call every listener of this event now. What a listener throws reaches the emitter: a bug. */
  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    const entries = this.#listeners.get(name)
    // A copy, so that listeners added meanwhile wait for the next event; one disposed meanwhile
    // (by an earlier listener) has been promised silence.
    for (const entry of [...(entries ?? [])]) if (entries?.has(entry)) entry.call(event as never)
  }
}
