/** What came of comparing digests. */

/** All since the start. */
export interface ReconcilerCounters {
  readonly digestsSent: number
  readonly digestsReceived: number
  /** Sets in digests that came in and differed. */
  readonly differed: number
  /** Differences left to gossip for the moment. */
  readonly deferred: number
  /** Exchanges begun. */
  readonly exchanges: number
  /** Questions not answered, or not asked, because too much was under way or had been sent. */
  readonly refused: number
  /** Questions asked again, because an answer did not come, or not whole. */
  readonly retried: number
  /** Messages about sets that are not shared, or from nobody we know to be a Weft peer. */
  readonly ignored: number
  /** Messages of the sources sent, and received. */
  readonly told: number
  readonly heard: number
  readonly bytesSent: number
}

/** The same, to be counted in. */
export type Counts = { -readonly [Name in keyof ReconcilerCounters]: number }

/** Nothing yet. */
export function noCounts(): Counts {
  return {
    digestsSent: 0,
    digestsReceived: 0,
    differed: 0,
    deferred: 0,
    exchanges: 0,
    refused: 0,
    retried: 0,
    ignored: 0,
    told: 0,
    heard: 0,
    bytesSent: 0,
  }
}
