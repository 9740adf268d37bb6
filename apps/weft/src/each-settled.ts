/** Many requests at once, told of in the order in which they were asked for. */

/** Requests under way at a time: each has a connection, and a listener's queue has an end. */
export const REQUESTS_AT_ONCE_MAX = 64

/** What came of one. */
export interface Settled<Item> {
  readonly item: Item
  /** Null when it was done. */
  readonly error: unknown
}

/** Do something to each, and yield what came of it; one that fails holds up no other. */
export async function* eachSettled<Item>(
  items: readonly Item[],
  act: (item: Item) => Promise<void>,
): AsyncGenerator<Settled<Item>> {
  const begin = async (item: Item): Promise<Settled<Item>> => {
    try {
      await act(item)
      return { item, error: null }
    } catch (error) {
      return { item, error }
    }
  }
  const underWay: Promise<Settled<Item>>[] = []
  for (const item of items) {
    const oldest = underWay.length < REQUESTS_AT_ONCE_MAX ? undefined : underWay.shift()
    if (oldest !== undefined) yield await oldest
    underWay.push(begin(item))
  }
  for (const one of underWay) yield await one
}
