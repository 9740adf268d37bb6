/** The thread of a switch: waits for frames, datagrams and orders, and carries them out. */
import { receiveMessageOnPort, workerData } from 'node:worker_threads'
import type { SocketAddress, Vni } from '@weft/core'
import { PollSet, WakeEvent } from '@weft/linux'
import type { EngineSubnet } from './engine/engine-state.ts'
import { PacketView } from './engine/packet-view.ts'
import { SwitchEngine } from './engine/switch-engine.ts'
import { TRANSMIT_SEGMENTS_MAX } from './engine/transmit-lanes.ts'
import { switchMemory } from './switch-memory.ts'
import { SwitchPorts } from './switch-ports.ts'
import {
  CONTROL,
  IDLE_MS,
  type SwitchCommand,
  type SwitchOrder,
  type SwitchReport,
  type SwitchThreadInput,
  type SwitchTotals,
  type SwitchUpdate,
} from './switch-protocol.ts'
import { SwitchTunnel } from './switch-tunnel.ts'

const input = workerData as SwitchThreadInput
const control = new Int32Array(input.control)
const wake = WakeEvent.adopt(input.wakeFd)
const poll = new PollSet()
const memory = switchMemory()
const view = new PacketView(memory.pinned.bytes)

const engine = new SwitchEngine(
  {
    deliver: (port, packet) => ports.deliver(port, packet),
    transmit: (peer, packet) => tunnel.transmit(peer, packet),
  },
  {
    arena: { bytes: memory.pinned.bytes, start: memory.arena },
    segmentsMax: TRANSMIT_SEGMENTS_MAX,
  },
)

const ports = new SwitchPorts(
  {
    poll,
    memory,
    take: (port, packet) => engine.fromPort(port, packet),
    lost: (port, code) => report({ kind: 'lost', port, code }),
  },
  view,
)

const tunnel = new SwitchTunnel(
  { poll, memory, take: (packet, from) => engine.fromUnderlay(packet, from) },
  view,
)

let peers: ReadonlyMap<number, SocketAddress> = new Map()
const subnets = new Map<Vni, EngineSubnet>()

poll.add(wake.fd, 'readable')
while (Atomics.load(control, CONTROL.stop) === 0) turn()
input.port.close()

function turn(): void {
  poll.wait(IDLE_MS)
  tunnel.serve()
  ports.serve()
  if (poll.isReadable(wake.fd)) obey()
  engine.flush()
  const outbox = ports.takeOutbox()
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
      report({ kind: 'done', ticket: message.ticket, answer: carryOut(message.order) })
    } else for (const frame of message.frames) ports.takeFromCard(message.port, frame)
  }
}

function carryOut(order: SwitchOrder): unknown {
  switch (order.kind) {
    case 'load':
      load(order.update)
      return null
    case 'plug':
      ports.plug(order.plug)
      return null
    case 'unplug':
      ports.unplug(order.port)
      return null
    case 'tunnel':
      tunnel.use(order.tunnel)
      return null
    case 'read':
      return engine.read()
    case 'counters':
      return totals()
  }
}

/** Subnets that did not change stay the same objects, and the engine passes them over. */
function load(update: SwitchUpdate): void {
  engine.flush()
  if (update.peers !== null) {
    peers = update.peers
    tunnel.setPeers(peers)
  }
  for (const vni of update.gone) subnets.delete(vni)
  for (const [vni, subnet] of update.changed) subnets.set(vni, subnet)
  engine.load({ peers, subnets: new Map(subnets) })
  Atomics.add(control, CONTROL.loads, 1)
}

function totals(): SwitchTotals {
  const { dropped, networks, received, transmitted } = engine.counters()
  const all = new Map(dropped)
  ports.addDrops(all)
  tunnel.addDrops(all)
  return { transmitted, received, dropped: all, networks }
}

function report(message: SwitchReport): void {
  input.port.postMessage(message)
}
