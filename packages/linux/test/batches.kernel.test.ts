/** Batches of many messages, and dumps under load, against the real kernel. */
import { parseIp, parseMac, vni, type Mac } from '@weft/core'
import {
  MessageWriter,
  NetlinkSocket,
  REFUSAL_BYTES_MAX,
  NETLINK_RECEIVE_BUFFER_BYTES,
  NETLINK_SEND_BUFFER_BYTES,
  inNamespace,
  readForwarding,
  sys,
  writeChangeLink,
  writeForwarding,
  writeNeighbour,
  type Kernel,
} from '../src/index.ts'
import { describe, expect, test } from 'vitest'
import { atEnd, run, runJson, scratch } from './scratch.ts'

const MANY = 10_000
const destination = parseIp('192.168.1.2')
const table = 'self'

function macOf(i: number): Mac {
  const hex = i.toString(16).padStart(6, '0')
  return parseMac(`02:42:00:${hex.slice(0, 2)}:${hex.slice(2, 4)}:${hex.slice(4)}`)
}

function vxlanIn(kernel: Kernel): number {
  const vxlan = { vni: vni(4096), port: 4789, learning: false }
  return kernel.links.create({ kind: 'vxlan', name: 'vx0', vxlan, up: true })
}

describe('a batch of 10,000 endpoints', () => {
  test('is carried out whole, and read back whole', () => {
    const { kernel, name } = scratch()
    const linkIndex = vxlanIn(kernel)
    const batch = new MessageWriter()
    for (let i = 0; i < MANY; i++) {
      const mac = macOf(i)
      writeForwarding(batch, 'create', { linkIndex, mac, table, destination })
      const ip = parseIp(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`)
      // gc_thresh of a new namespace's neighbour table spares permanent entries.
      writeNeighbour(batch, 'create', { linkIndex, ip, mac })
    }
    const { count, faults } = kernel.transact(batch)
    expect([count, faults.size]).toEqual([2 * MANY, 0])
    const listed = kernel.forwarding.list(linkIndex)
    expect(listed.filter((entry) => entry.destination === destination)).toHaveLength(MANY)
    expect(new Set(listed.map(({ mac }) => mac)).size).toBe(MANY + (listed.length - MANY))
    const neighbours = kernel.neighbours.list(linkIndex)
    expect(neighbours.filter(({ state }) => state === 0x80)).toHaveLength(MANY)
    const theirs = runJson(`bridge -n ${name} -j fdb show dev vx0`) as unknown[]
    expect(theirs).toHaveLength(listed.length)
  })

  test('names each refused message, and carries out all others', () => {
    const { kernel } = scratch()
    const linkIndex = vxlanIn(kernel)
    const bad = new Set([0, 1, 499, 500, 501, 5000, MANY - 1])
    const batch = new MessageWriter()
    for (let i = 0; i < MANY; i++) {
      // No link has this index.
      const index = bad.has(i) ? 99 : linkIndex
      writeForwarding(batch, 'create', { linkIndex: index, mac: macOf(i), table, destination })
    }
    const { faults } = kernel.transact(batch)
    expect([...faults.keys()]).toEqual([...bad])
    for (const fault of faults.values()) {
      expect(fault).toEqual({ errno: 'ENODEV', diagnostic: 'unknown ifindex' })
    }
    const made = kernel.forwarding.list(linkIndex).filter((e) => e.destination === destination)
    expect(made).toHaveLength(MANY - bad.size)
  })

  test('loses no outcome when every message is refused', () => {
    const { kernel } = scratch()
    const linkIndex = vxlanIn(kernel)
    const batch = new MessageWriter()
    for (let i = 0; i < MANY; i++) {
      writeForwarding(batch, 'delete', { linkIndex, mac: macOf(i), table, destination })
    }
    expect(kernel.transact(batch).faults.size).toBe(MANY)
  })

  test.each(['forwarding', 'links'])('loses none of %s with the smallest buffers', (what) => {
    const { kernel, path } = scratch()
    const linkIndex = vxlanIn(kernel)
    const buffers = { sendBytes: 4096, receiveBytes: 4096 }
    const socket = inNamespace(path, () => NetlinkSocket.open(0, buffers))
    atEnd(() => socket.close())
    const batch = new MessageWriter()
    const count = 2000
    for (let i = 0; i < count; i++) {
      // The one refusal is short, the other long: it points into the message and has a text.
      if (what === 'links') writeChangeLink(batch, linkIndex, { mtuBytes: 1 })
      else writeForwarding(batch, 'delete', { linkIndex, mac: macOf(i), table, destination })
    }
    expect(socket.transact(batch).faults.size).toBe(count)
  })
})

describe('a dump', () => {
  test('survives the loss of messages to an overflow of its socket', () => {
    const { kernel, name, path } = scratch()
    const linkIndex = vxlanIn(kernel)
    const batch = new MessageWriter()
    for (let i = 0; i < 2000; i++) {
      writeForwarding(batch, 'create', { linkIndex, mac: macOf(i), table, destination })
    }
    const socket = inNamespace(path, () => NetlinkSocket.open(0))
    atEnd(() => socket.close())
    // The same socket also listens, with little room: notifications overflow it.
    expect(sys.setsockopt(socket.fd, 1, 8, Int32Array.of(4096), 4)).toBe(0)
    expect(sys.setsockopt(socket.fd, 270, 1, Int32Array.of(3), 4)).toBe(0)
    expect(kernel.transact(batch).faults.size).toBe(0)
    const request = new MessageWriter()
    const body = request.begin(30, 0x300, 12)
    request.setU8(body, 7)
    request.setU32(body + 4, linkIndex)
    const attempt = { operation: 'list', object: 'entries' }
    const macs = socket.dump(request, attempt, (m) => readForwarding(m)?.mac ?? null)
    expect(macs.filter((mac) => mac.startsWith('02:42:00'))).toHaveLength(2000)
    expect(run(`bridge -n ${name} fdb show dev vx0`)).toContain(macOf(1999))
  })
})

test('buffers are sized so that all refusals of a send fit', () => {
  // A refused deletion is 48 bytes; what the kernel accounts for its refusal is below the limit.
  expect(NETLINK_RECEIVE_BUFFER_BYTES / REFUSAL_BYTES_MAX).toBeGreaterThan(1000)
  expect(NETLINK_SEND_BUFFER_BYTES).toBeGreaterThanOrEqual(1 << 20)
})
