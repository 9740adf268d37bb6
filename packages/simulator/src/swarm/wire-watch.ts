/** Looks at everything that leaves a host: is it sealed, does it fit, and what was it? */
import { AEAD_NONCE_BYTES, utf8Bytes } from '@weft/core'
import type { Crossing, StreamCrossing, WorldWatch } from '../engine/crossing.ts'
import { checksumOf, type TranscriptRing } from '../engine/transcript-ring.ts'
import { insecureSimAead } from '../insecure-sim-aead.ts'
import { VALUE_MARK } from './ledger.ts'
import type { Referee } from './referee.ts'

/** What the check of sealed traffic has to know. */
export interface WireSecrets {
  /** Keys that may be in use; empty: traffic is in the clear. */
  readonly keys: readonly Uint8Array[]
}

/** Version byte of the envelope (docker-wire §2.6), and its length. */
const ENVELOPE_VERSION = 1
const ENVELOPE_HEADER_BYTES = 1 + AEAD_NONCE_BYTES
/** First byte of a sealed stream (docker-wire §2.7). */
const SEALED_STREAM = 0x0a
const MARKS = [utf8Bytes(VALUE_MARK), utf8Bytes('node-')]
const NOTHING = new Uint8Array(0)

/** Checks datagrams and streams, and writes them into the transcript. */
export class WireWatch implements WorldWatch {
  readonly #bytesMax: number
  readonly #secrets: WireSecrets
  readonly #referee: Referee
  readonly #transcript: TranscriptRing
  readonly #now: () => number

  constructor(
    limits: { packetBytesMax: number; secrets: WireSecrets },
    court: { referee: Referee; transcript: TranscriptRing; now: () => number },
  ) {
    this.#bytesMax = limits.packetBytesMax
    this.#secrets = limits.secrets
    this.#referee = court.referee
    this.#transcript = court.transcript
    this.#now = court.now
  }

  packet({ from, to, bytes, copies }: Crossing): void {
    const fate = copies === 1 ? '' : copies === 0 ? ' lost' : ` ${copies} times`
    this.#say(`${from}>${to ?? '?'} packet ${bytes.length}B ${checksumOf(bytes)}${fate}`)
    if (bytes.length > this.#bytesMax) {
      this.#referee.report('packet-size', `host ${from}`, `${bytes.length} bytes`)
    }
    if (this.#secrets.keys.length > 0 && !this.#isSealed(bytes)) {
      this.#referee.report('sealed', `host ${from}`, `a datagram of ${bytes.length} bytes`)
    }
  }

  streamBytes({ from, to, bytes, isFirst }: StreamCrossing): void {
    this.#say(`${from}>${to} segment ${bytes.length}B ${checksumOf(bytes)}`)
    if (this.#secrets.keys.length === 0) return
    const looksSealed = (!isFirst || bytes[0] === SEALED_STREAM) && !showsText(bytes)
    if (!looksSealed) this.#referee.report('sealed', `host ${from}`, 'a stream in the clear')
  }

  tell(what: string, from: number, to: number): void {
    this.#say(`${from}>${to} ${what}`)
  }

  #isSealed(bytes: Uint8Array): boolean {
    if (bytes[0] !== ENVELOPE_VERSION || showsText(bytes)) return false
    const nonce = bytes.subarray(1, ENVELOPE_HEADER_BYTES)
    const sealed = bytes.subarray(ENVELOPE_HEADER_BYTES)
    return this.#secrets.keys.some(
      (key) => insecureSimAead.open({ key, nonce, associated: NOTHING }, sealed) !== null,
    )
  }

  #say(text: string): void {
    this.#transcript.add(this.#now(), text)
  }
}

function showsText(bytes: Uint8Array): boolean {
  return MARKS.some((mark) => contains(bytes, mark))
}

function contains(bytes: Uint8Array, mark: Uint8Array): boolean {
  const first = mark[0] ?? 0
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) {
    let same = 1
    while (same < mark.length && bytes[at + same] === mark[same]) same++
    if (same === mark.length) return true
  }
  return false
}
