/** Counters of datagrams that sockets lost, by reason. */
import type { DatagramSender } from '@weft/linux/packets'

/** Count so many more; none leaves no entry. */
export function addDrop(counts: Map<string, number>, reason: string, count: number): void {
  if (count > 0) counts.set(reason, (counts.get(reason) ?? 0) + count)
}

/** Count what a sender could not send. */
export function addSenderDrops(counts: Map<string, number>, sender: DatagramSender): void {
  const { congested, refused } = sender.counters()
  addDrop(counts, 'datagram-congested', congested)
  for (const count of refused.values()) addDrop(counts, 'datagram-refused', count)
}
