/** Traffic between namespaces, made and counted in threads of its own: transfers and floods. */
import { describeError, hasCode, type Ip } from '@weft/core'
import { labError } from './lab-errors.ts'
import {
  FLOOD_ANSWERED,
  FLOOD_SENT,
  type FloodTally,
  type TransferTally,
} from './traffic-protocol.ts'
import { TrafficThread, type Job } from './traffic-thread.ts'

/** A namespace as traffic knows it: a LabNamespace, or any other that is open. */
export interface TrafficEnd {
  readonly name: string
  readonly kernel: { readonly namespace: { readonly fd: number } }
}

/** Where traffic comes from and goes to. */
export interface TrafficPath {
  readonly from: TrafficEnd
  readonly to: TrafficEnd
  /** An address of `to`. */
  readonly address: Ip
}

/** A transfer to be made. */
export interface TransferOptions extends TrafficPath {
  readonly bytes: number
  /** Digest at both ends; true when left out. Without, the bytes are counted only. */
  readonly digest?: boolean
  /** Half a minute when left out. */
  readonly withinMs?: number
}

/** A transfer that was completed: every byte arrived, and as it was sent. */
export interface TransferReport {
  readonly bytes: number
  /** SHA-256 in hexadecimal, equal at both ends; null without a digest. */
  readonly digest: string | null
  /** From the first byte to the last as the receiver saw it, digests not included. */
  readonly ms: number
  readonly bytesPerSecond: number
}

/** A flood to be started. */
export interface FloodOptions extends TrafficPath {
  readonly perSecond: number
  /** Of each datagram, 8 at least; 64 when left out. */
  readonly payloadBytes?: number
}

/** A flood that is under way. */
export interface Flood {
  /** Datagrams sent, and different ones that came back, so far. */
  counts(): { readonly sent: number; readonly answered: number }
  /** Stop sending, wait up to a second for the last answers, and count. */
  stop(): Promise<FloodReport>
}

/** What a flood has counted; `lost` = sent - answered, lost on either way. */
export interface FloodReport extends FloodTally {
  readonly lost: number
}

const WITHIN_DEFAULT_MS = 30_000
const PAYLOAD_DEFAULT_BYTES = 64

/** Two threads, one for each end of everything. Starting them takes a moment: keep it. */
export class Traffic implements AsyncDisposable {
  readonly #near = new TrafficThread()
  readonly #far = new TrafficThread()

  /**
   * Send bytes over TCP and check what arrives. Rejects with ERR_TRANSFER when it breaks off,
   * takes too long, or delivers other bytes than were sent.
   */
  async transfer(options: TransferOptions): Promise<TransferReport> {
    const { from, to, withinMs = WITHIN_DEFAULT_MS } = options
    const failed = (problem: string, cause?: unknown): Error => {
      const details = { from: from.name, to: to.name, problem }
      return labError('ERR_TRANSFER', 'a transfer failed', details, cause)
    }
    const jobs: Job[] = []
    const timer = setTimeout(() => {
      for (const job of jobs) job.fail(failed(`not done within ${withinMs} ms`))
    }, withinMs)
    try {
      return reportTransfer(await this.#runTransfer(options, jobs), failed)
    } catch (error) {
      for (const job of jobs) job.stop()
      throw hasCode(error, 'ERR_TRANSFER') ? error : failed(describeError(error), error)
    } finally {
      clearTimeout(timer)
    }
  }

  /** Tallies of the sender and the receiver; both jobs are in `jobs` once they have begun. */
  async #runTransfer(
    { address: ip, bytes, digest = true, from, to }: TransferOptions,
    jobs: Job[],
  ): Promise<readonly [TransferTally, TransferTally]> {
    const end = { ip, bytes, digest }
    const there = to.kernel.namespace.fd
    const listener = { ...end, namespace: there, port: 0 }
    const receiver = this.#far.begin({ kind: 'receive', end: listener })
    jobs.push(receiver)
    const port = await receiver.ready
    const here = from.kernel.namespace.fd
    const sender = this.#near.begin({ kind: 'send', end: { ...end, namespace: here, port } })
    jobs.push(sender)
    const tallies = await Promise.all([sender.done, receiver.done])
    return tallies as [TransferTally, TransferTally]
  }

  /** Send datagrams at a constant rate to an end that sends them back. Rejects with ERR_KERNEL. */
  async flood(options: FloodOptions): Promise<Flood> {
    const { address: ip, from, payloadBytes = PAYLOAD_DEFAULT_BYTES, perSecond, to } = options
    const bouncer = this.#far.begin({
      kind: 'bounce',
      end: { namespace: to.kernel.namespace.fd, ip },
    })
    const port = await bouncer.ready
    const namespace = from.kernel.namespace.fd
    const counts = new SharedArrayBuffer(8)
    const end = { namespace, ip, port, perSecond, payloadBytes }
    const sender = this.#near.begin({ kind: 'flood', end, counts })
    const view = new Int32Array(counts)
    return {
      counts: () => ({ sent: view[FLOOD_SENT] ?? 0, answered: view[FLOOD_ANSWERED] ?? 0 }),
      stop: async () => {
        sender.stop()
        const tally = (await sender.done) as FloodTally
        bouncer.stop()
        await bouncer.done
        return { ...tally, lost: tally.sent - tally.answered }
      },
    }
  }

  /** End the threads and all that is under way. */
  async close(): Promise<void> {
    await Promise.all([this.#near.close(), this.#far.close()])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

function reportTransfer(
  [sent, received]: readonly [TransferTally, TransferTally],
  failed: (problem: string) => Error,
): TransferReport {
  const { bytes, digest, ms } = received
  if (bytes !== sent.bytes) throw failed(`${sent.bytes} bytes were sent, ${bytes} arrived`)
  if (digest !== sent.digest) throw failed('other bytes arrived than were sent')
  return { bytes, digest, ms, bytesPerSecond: (1000 * bytes) / ms }
}
