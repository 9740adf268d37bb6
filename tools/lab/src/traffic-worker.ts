/** A thread that is one end of transfers and floods, as the main thread orders. */
import { parentPort } from 'node:worker_threads'
import { recordError } from './error-record.ts'
import { bounceFlood, sendFlood } from './flood-ends.ts'
import type { TrafficNews, TrafficOrder, Work } from './traffic-protocol.ts'
import { receiveTransfer, sendTransfer } from './transfer-ends.ts'

const running = new Map<number, Work>()

function tell(news: TrafficNews): void {
  parentPort?.postMessage(news)
}

function begin(order: Exclude<TrafficOrder, { kind: 'stop' }>): Work {
  const ready = (port: number): void => tell({ id: order.id, kind: 'ready', port })
  switch (order.kind) {
    case 'send':
      return sendTransfer(order.end)
    case 'receive':
      return receiveTransfer(order.end, ready)
    case 'flood':
      return sendFlood(order.end, order.counts)
    case 'bounce':
      return bounceFlood(order.end, ready)
  }
}

async function obey(order: Exclude<TrafficOrder, { kind: 'stop' }>): Promise<void> {
  const { id } = order
  try {
    const work = begin(order)
    running.set(id, work)
    tell({ id, kind: 'done', tally: await work.done })
  } catch (error) {
    tell({ id, kind: 'failed', error: recordError(error) })
  } finally {
    running.delete(id)
  }
}

parentPort?.on('message', (order: TrafficOrder) => {
  if (order.kind === 'stop') running.get(order.id)?.stop()
  else void obey(order)
})
