/** How one peer does ESP, where peers may differ. */
import { valueError } from '@weft/core'
import { REPLAY_WINDOW_PACKETS_MAX, REPLAY_WINDOW_PACKETS_MIN } from './replay-window.ts'
import type { SpiGeneration } from './spi.ts'

/** What must be the same at both ends, and how much order is asked of the peer. */
export interface PeerProfile {
  readonly spiGeneration: SpiGeneration
  /** RFC 4303 §2.2.1; the same at both ends, or nothing opens. */
  readonly extendedSequence: boolean
  /** See InboundOptions. Ours alone: the peer does not notice. */
  readonly replayWindowPackets: number
  /** See InboundOptions. Ours alone too. */
  readonly windowPerRun: boolean
}

/** A stock engine, or a kernel: it begins with sequence number 1 whenever it starts. */
export const DOCKER_PROFILE: PeerProfile = Object.freeze({
  spiGeneration: 'sixteen-byte',
  extendedSequence: false,
  replayWindowPackets: 2048,
  windowPerRun: true,
})

/** Another node of ours, which says when it restarted. */
export const WEFT_PROFILE: PeerProfile = Object.freeze({
  spiGeneration: 'sixteen-byte',
  extendedSequence: true,
  replayWindowPackets: 2048,
  windowPerRun: false,
})

/** Refuse a profile that no association can have. Throws ERR_INVALID_VALUE. */
export function checkProfile(profile: PeerProfile): void {
  const { extendedSequence, replayWindowPackets, windowPerRun } = profile
  if (extendedSequence && windowPerRun) {
    throw valueError('ERR_INVALID_VALUE', 'extended numbers have one window', {
      kind: 'windowPerRun',
      text: 'true',
      expected: 'false where sequence numbers are extended',
    })
  }
  const [min, max] = [REPLAY_WINDOW_PACKETS_MIN, REPLAY_WINDOW_PACKETS_MAX]
  const isWindow = replayWindowPackets >= min && replayWindowPackets <= max
  if (Number.isInteger(replayWindowPackets) && isWindow) return
  if (replayWindowPackets === 0 && !extendedSequence) return
  throw valueError('ERR_INVALID_VALUE', 'not the width of a replay window', {
    kind: 'replayWindowPackets',
    text: String(replayWindowPackets),
    expected: `${min} to ${max}, or 0 for none where sequence numbers are not extended`,
  })
}
