/** The thread of a switch: waits for frames, datagrams and orders, and carries them out. */
import { receiveMessageOnPort, workerData } from 'node:worker_threads'
import type { CipherSuite, Entropy } from '@weft/core'
import { trimMemory, WakeEvent } from '@weft/linux/packets'
import { PacketLoop } from './packet-loop.ts'
import { soundLibrary } from './sound-suite.ts'
import { RECEIVE_SLOTS } from './switch-memory.ts'
import {
  CONTROL,
  IDLE_MS,
  REST_MS,
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
/** Loaded when the first key comes. */
const entropy: Entropy = {
  fill: (target) => void crypto.getRandomValues(target as Uint8Array<ArrayBuffer>),
}
const suite = soundLibrary(input.suite) ?? (await sureSuite())
const loop = new PacketLoop({
  receiveSlots: RECEIVE_SLOTS,
  lost: (port, code) => report({ kind: 'lost', port, code }),
  // A receiver tells our runs apart by their vectors, so that each may begin with 1.
  sealing: { suite, entropy, sequenceAfter: () => 0 },
})

/** True when nothing happened since memory was given back. */
let isRested = false

// Where it is not allowed it forwards all the same; `probe` says so.
preferThisThread()
loop.poll.add(wake.fd, 'readable')
while (Atomics.load(control, CONTROL.stop) === 0) turn()
loop.close()
input.port.close()

/** Loaded only where it is needed: each thread has a copy of all that it imports. */
async function sureSuite(): Promise<CipherSuite> {
  const { fastestSuite } = await import('./fastest-suite.ts')
  return fastestSuite(input.suite, null).suite
}

function turn(): void {
  if (!loop.turn(isRested ? IDLE_MS : REST_MS)) rest()
  else isRested = false
  if (loop.poll.isReadable(wake.fd)) obey()
  loop.flush()
  const wanted = loop.rekeysWanted()
  if (wanted.length > 0) report({ kind: 'rekey', wanted })
  const outbox = loop.ports.takeOutbox()
  if (outbox === null) return
  for (const [port, frames] of outbox) report({ kind: 'frames', port, frames })
}

/** Code is compiled while packets flow; what that took is given back when there is a pause. */
function rest(): void {
  if (!isRested) trimMemory()
  isRested = true
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
