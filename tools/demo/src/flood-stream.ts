/** A steady stream of datagrams out of a container and back, counted in threads of its own. */
import { eventually, type Flood } from '@weft/lab'
import type { EchoStream } from './world.ts'

/** The stream of a flood that is under way. */
export class FloodStream implements EchoStream {
  readonly #flood: Flood

  constructor(flood: Flood) {
    this.#flood = flood
  }

  async reached(sent: number, patienceMs: number): Promise<void> {
    const there = (): void => {
      const counts = this.#flood.counts()
      if (counts.sent < sent) throw new Error(`only ${counts.sent} of ${sent} datagrams were sent`)
    }
    await eventually(there, { withinMs: patienceMs, what: 'the stream' })
  }

  async stop(): Promise<{ readonly sent: number; readonly answered: number }> {
    const { sent, answered } = await this.#flood.stop()
    return { sent, answered }
  }
}
