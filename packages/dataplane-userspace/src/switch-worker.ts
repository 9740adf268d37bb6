/** The thread of a switch: waits for frames, datagrams and orders, and carries them out. */
import { receiveMessageOnPort, workerData } from 'node:worker_threads'
import { WakeEvent } from '@weft/linux'
import { nodeEntropy } from '@weft/runtime-node'
import { fastestSuite } from './fastest-suite.ts'
import { PacketLoop } from './packet-loop.ts'
import { RECEIVE_SLOTS } from './switch-memory.ts'
import {
  CONTROL,
  IDLE_MS,
  type KeyBytes,
  type SwitchCommand,
  type SwitchOrder,
  type SwitchReport,
  type SwitchThreadInput,
} from './switch-protocol.ts'
import { preferThisThread } from './thread-priority.ts'

const input = workerData as SwitchThreadInput
const control = new Int32Array(input.control)
const wake = WakeEvent.adopt(input.wakeFd)
const loop = new PacketLoop({
  receiveSlots: RECEIVE_SLOTS,
  lost: (port, code) => report({ kind: 'lost', port, code }),
  // A receiver tells our runs apart by their vectors, so that each may begin with 1.
  sealing: { suite: fastestSuite(input.suite).suite, entropy: nodeEntropy, sequenceAfter: () => 0 },
})

// Where it is not allowed it forwards all the same; `probe` says so.
preferThisThread()
loop.poll.add(wake.fd, 'readable')
while (Atomics.load(control, CONTROL.stop) === 0) turn()
loop.close()
input.port.close()

function turn(): void {
  loop.turn(IDLE_MS)
  if (loop.poll.isReadable(wake.fd)) obey()
  loop.flush()
  const wanted = loop.rekeysWanted()
  if (wanted.length > 0) report({ kind: 'rekey', wanted })
  const outbox = loop.ports.takeOutbox()
  if (outbox === null) return
  for (const [port, frames] of outbox) report({ kind: 'frames', port, frames })
}

function obey(): void {
  wake.clear()
  for (;;) {
    const received = receiveMessageOnPort(input.port) as { message: SwitchCommand } | undefined
    if (received === undefined) return
    const { message } = received
    if ('order' in message) {
      const { order, ticket } = message
      report({ kind: 'done', ticket, order: order.kind, answer: carryOut(order) })
    } else for (const frame of message.frames) loop.ports.takeFromCard(message.port, frame)
  }
}

function carryOut(order: SwitchOrder<KeyBytes>): unknown {
  switch (order.kind) {
    case 'load':
      Atomics.add(control, CONTROL.loads, 1)
      return loop.load(order.update)
    case 'plug':
      loop.ports.plug(order.plug)
      return null
    case 'unplug':
      loop.ports.unplug(order.port)
      return null
    case 'tunnel':
      loop.tunnel.use(order.tunnel)
      return null
    case 'sealed-tunnel':
      loop.sealedTunnel.use(order.tunnel)
      return null
    case 'read':
      return loop.read()
    case 'counters':
      return loop.totals()
  }
}

function report(message: SwitchReport): void {
  input.port.postMessage(message)
}
