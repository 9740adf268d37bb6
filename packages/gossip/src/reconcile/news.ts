/** Answers to questions, in parts that each are of a bearable size. */
import { BUCKET_SET_BYTES } from './bucket-set.ts'
import {
  NEWS_BYTES_MAX,
  NEWS_MESSAGES_MAX,
  TOLD_MESSAGE_BYTES_MAX,
  type NewsMessage,
} from './exchange-messages.ts'
import type { Telling } from './listing.ts'

/** An answer of up to so many packets goes by packet; who misses one asks again. */
export const NEWS_PACKETS_MAX = 64

/** Bytes around one message in NEWS: tag and length; and around all of them, but for names. */
const MESSAGE_OVERHEAD_BYTES = 5
const NEWS_OVERHEAD_BYTES = 64

/** Who says it, of what, and in answer to which turn. */
export interface NewsHead {
  readonly sender: string
  readonly setId: string
  readonly turn: number
}

/**
 * The parts in which to answer; one even when there is nothing to say, so that nobody waits. Each
 * fits a packet of so many bytes if all of them come to NEWS_PACKETS_MAX at most.
 */
export function newsOf(
  head: NewsHead,
  { messages: told, rest }: Telling,
  packetBytesMax: number,
): NewsMessage[] {
  // Names have up to three bytes a character.
  const names = 3 * (head.sender.length + head.setId.length)
  const overhead = NEWS_OVERHEAD_BYTES + BUCKET_SET_BYTES + names
  const small = splitMessages(told, packetBytesMax - overhead)
  const isSmall = small.length <= NEWS_PACKETS_MAX
  const groups = isSmall ? small : splitMessages(told, NEWS_BYTES_MAX)
  const parts = groups.length
  return groups.map((messages, part) => ({ kind: 'news', ...head, part, parts, messages, rest }))
}

/** Groups of up to so many bytes, one at least; what could not be sent even alone is left out. */
function splitMessages(messages: readonly Uint8Array[], bytesMax: number): Uint8Array[][] {
  const groups: Uint8Array[][] = []
  let group: Uint8Array[] = []
  let bytes = 0
  for (const message of messages) {
    if (message.length > TOLD_MESSAGE_BYTES_MAX) continue
    const cost = message.length + MESSAGE_OVERHEAD_BYTES
    const isFull = bytes + cost > bytesMax || group.length === NEWS_MESSAGES_MAX
    if (group.length > 0 && isFull) {
      groups.push(group)
      group = []
      bytes = 0
    }
    group.push(message)
    bytes += cost
  }
  return [...groups, group]
}
