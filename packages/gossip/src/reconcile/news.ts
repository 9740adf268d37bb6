/** Messages told to a peer, in parts that each are of a bearable size. */
import { BucketSet } from './bucket-set.ts'
import {
  NEWS_BYTES_MAX,
  NEWS_MESSAGES_MAX,
  TOLD_MESSAGE_BYTES_MAX,
  type NewsMessage,
} from './exchange-messages.ts'
import type { Findings } from './listing.ts'

/** Bytes around one message in NEWS: tag and length. */
const MESSAGE_OVERHEAD_BYTES = 8

/** Who says it, and of what. */
export interface NewsHead {
  readonly sender: string
  readonly setId: string
}

/**
 * The parts in which to tell what was found: none when there is nothing to say. What we ask for
 * stands in the first, what is left to compare in the last.
 */
export function newsOf(head: NewsHead, { messages, wants, rest }: Findings): NewsMessage[] {
  const parts = splitMessages(messages)
  if (parts.length === 0 && (wants.length > 0 || !rest.isEmpty)) parts.push([])
  const nothing = new BucketSet()
  return parts.map((part, i) => ({
    kind: 'news',
    ...head,
    messages: part,
    wants: i === 0 ? wants : [],
    rest: i === parts.length - 1 ? rest : nothing,
  }))
}

/** Groups of up to NEWS_BYTES_MAX; what could not be sent even alone is left out. */
function splitMessages(messages: readonly Uint8Array[]): Uint8Array[][] {
  const parts: Uint8Array[][] = []
  let part: Uint8Array[] = []
  let bytes = 0
  for (const message of messages) {
    if (message.length > TOLD_MESSAGE_BYTES_MAX) continue
    const cost = message.length + MESSAGE_OVERHEAD_BYTES
    const isFull = bytes + cost > NEWS_BYTES_MAX || part.length === NEWS_MESSAGES_MAX
    if (part.length > 0 && isFull) {
      parts.push(part)
      part = []
      bytes = 0
    }
    part.push(message)
    bytes += cost
  }
  if (part.length > 0) parts.push(part)
  return parts
}
