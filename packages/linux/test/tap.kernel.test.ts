/** TAPs: frames in both directions, what is granted, and what goes wrong. */
import { parseInterfaceAddress, parseIp, parseMac } from '@weft/core'
import {
  errno,
  kernelError,
  openRawSocket,
  openTap,
  PinnedMemory,
  PollSet,
  probePacketPath,
  TAP_OFFLOADS,
  tapProblem,
  TUN_DEVICE,
  VNET_HEADER_BYTES,
  type Tap,
  type TapOptions,
} from '../src/index.ts'
import { describe, expect, test } from 'vitest'
import { atEnd, openFds, runJson, runWords, scratch } from './scratch.ts'

const MAC = parseMac('02:42:0a:00:00:01')
const PEER = parseMac('02:42:0a:00:00:02')

function tapIn(namespace: string, more: Partial<TapOptions> = {}): Tap {
  const tap = openTap({ namespace, name: 'tap0', offloads: TAP_OFFLOADS, ...more })
  atEnd(() => tap.close())
  return tap
}

/** A TAP with an address and a static neighbour behind it: all that is sent comes to us. */
function linkedTap(offloads = TAP_OFFLOADS): { tap: Tap; path: string } {
  const { kernel, path } = scratch()
  const tap = tapIn(path, { offloads, link: { mac: MAC, mtuBytes: 1400, up: true } })
  const linkIndex = tap.index
  kernel.addresses.apply('create', { linkIndex, address: parseInterfaceAddress('10.0.0.1/24') })
  kernel.neighbours.apply('replace', { linkIndex, ip: parseIp('10.0.0.2'), mac: PEER })
  return { tap, path }
}

/** The next frame for which `wanted` holds, with its header; the kernel sends others in between. */
function readFrame(tap: Tap, wanted: (frame: Uint8Array) => boolean): Uint8Array {
  const memory = PinnedMemory.allocate(66_000)
  for (let i = 0; i < 1000; i++) {
    const length = memory.readFrom(tap.fd, 0, 66_000)
    if (length < 0) expect(length).toBe(-errno.EAGAIN)
    const read = memory.bytes.subarray(0, Math.max(0, length))
    if (length > 0 && wanted(read.subarray(VNET_HEADER_BYTES))) return read
  }
  throw new Error('no such frame')
}

const isIpv4 = (frame: Uint8Array): boolean => frame[12] === 8 && frame[13] === 0

/** Only real root may open the device, and not every machine has it. */
const { tap: fault } = probePacketPath()
const lacking = fault === null ? '' : ` (no ${TUN_DEVICE} for us: ${fault.errno})`

describe.skipIf(lacking !== '')(`a tap${lacking}`, () => {
  test('is a link that says whose it is, and goes with its descriptor', () => {
    const { kernel, path } = scratch()
    const before = openFds()
    const link = { mac: MAC, mtuBytes: 1400, alias: 'mine', up: true, transmitQueueLength: 500 }
    const tap = tapIn(path, { link })
    expect(kernel.links.require('tap0')).toMatchObject({
      index: tap.index,
      mac: MAC,
      mtuBytes: 1400,
      alias: 'mine',
      up: true,
      kind: 'tun',
    })
    expect(runJson(`nsenter --net=${path} ip -d -j link show tap0`)).toMatchObject([
      { txqlen: 500, linkinfo: { info_data: { type: 'tap', pi: false, vnet_hdr: true } } },
    ])
    tap.close()
    tap.close()
    expect(kernel.links.get('tap0')).toBeNull()
    expect(openFds()).toBe(before)
  })

  test('gives what is sent through it', () => {
    const { path, tap } = linkedTap()
    const socket = openRawSocket({ namespace: path, family: 4, protocol: 1 }, () => undefined)
    atEnd(() => socket.close())
    expect(socket.send(Uint8Array.of(8, 0, 0xf7, 0xfe, 0, 0, 0, 1), parseIp('10.0.0.2'))).toBeNull()
    const frame = readFrame(tap, isIpv4).subarray(VNET_HEADER_BYTES)
    expect([...frame.subarray(0, 12)]).toEqual([2, 66, 10, 0, 0, 2, 2, 66, 10, 0, 0, 1])
    expect([...frame.subarray(34, 42)]).toEqual([8, 0, 0xf7, 0xfe, 0, 0, 0, 1])
  })

  test('takes what is to be received', async () => {
    const { path, tap } = linkedTap()
    const { promise, resolve } = Promise.withResolvers<Uint8Array>()
    const socket = openRawSocket({ namespace: path, family: 4, protocol: 1 }, ({ bytes }) =>
      resolve(bytes),
    )
    atEnd(() => socket.close())
    // An echo reply, so that nobody answers. The header says: checksums are right as they are.
    const ip = [0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0x66, 0xdf, 10, 0, 0, 2, 10, 0, 0, 1]
    const macs = [2, 66, 10, 0, 0, 1, 2, 66, 10, 0, 0, 2]
    const bytes = [...macs, 8, 0, ...ip, 0, 0, 0xff, 0xfe, 0, 0, 0, 1]
    const memory = PinnedMemory.allocate(VNET_HEADER_BYTES + bytes.length)
    memory.bytes.set(bytes, VNET_HEADER_BYTES)
    expect(memory.writeTo(tap.fd, 0, memory.bytes.length)).toBe(memory.bytes.length)
    expect([...(await promise).subarray(20)]).toEqual([0, 0, 0xff, 0xfe, 0, 0, 0, 1])
  })

  test('says that it has nothing', () => {
    const { path } = scratch()
    const tap = tapIn(path)
    expect(PinnedMemory.allocate(100).readFrom(tap.fd, 0, 100)).toBe(-errno.EAGAIN)
  })

  test('that is gone is heard of by who waits for it', () => {
    const { kernel, path } = scratch()
    const tap = tapIn(path)
    const set = new PollSet()
    set.add(tap.fd, 'readable')
    expect(set.isBroken(tap.fd)).toBe(false)
    kernel.links.delete(tap.index)
    expect(set.wait(1000)).toBe(1)
    expect([set.isBroken(tap.fd), set.isReadable(tap.fd)]).toEqual([true, true])
  })

  test('gives a large segment with one header, and asks for none where that is not granted', () => {
    const send = (path: string): void => {
      const script =
        'import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); ' +
        's.setsockopt(17, 103, 1000); s.sendto(bytes(3500), ("10.0.0.2", 9))'
      runWords(['nsenter', `--net=${path}`, 'python3', '-c', script])
    }
    const large = linkedTap()
    expect(large.tap.offloads).toEqual(TAP_OFFLOADS)
    send(large.path)
    const frame = readFrame(large.tap, isIpv4)
    expect(frame).toHaveLength(VNET_HEADER_BYTES + 14 + 28 + 3500)
    // struct virtio_net_hdr: NEEDS_CSUM, GSO_UDP_L4, header 42, segments of 1000, at 34, plus 6.
    expect([...frame.subarray(0, 10)]).toEqual([1, 5, 42, 0, 0xe8, 3, 34, 0, 6, 0])
    const small = linkedTap([])
    expect(small.tap.offloads).toEqual([])
    send(small.path)
    const first = readFrame(small.tap, isIpv4)
    expect(first).toHaveLength(VNET_HEADER_BYTES + 14 + 28 + 1000)
    expect([...first.subarray(0, 10)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
  })
})

describe.skipIf(lacking !== '')(`a tap is refused${lacking}`, () => {
  const refusalOf = (body: () => unknown): Record<string, unknown> => {
    try {
      body()
    } catch (error) {
      const { details, message } = error as { details?: object; message: string }
      return { message, problem: tapProblem(error), ...details }
    }
    return {}
  }

  test.each(['tap', 'bridge'])('for a name that a %s has', (kind) => {
    const { kernel, path } = scratch()
    const before = openFds()
    if (kind === 'tap') tapIn(path)
    else kernel.links.create({ kind: 'bridge', name: 'tap0' })
    const opened = openFds()
    const refusal = { operation: 'create tap', object: 'tap0', errno: 'EBUSY' }
    expect(refusalOf(() => tapIn(path))).toMatchObject({ problem: 'name-taken', ...refusal })
    expect(openFds()).toBe(opened)
    expect(opened - before).toBe(kind === 'tap' ? 1 : 0)
  })

  test('when the change of the link is refused, and leaves nothing', () => {
    const { kernel, path } = scratch()
    const before = openFds()
    const refusal = { problem: null, operation: 'change link', errno: 'EINVAL' }
    expect(refusalOf(() => tapIn(path, { link: { mtuBytes: 70_000 } }))).toMatchObject(refusal)
    expect(kernel.links.get('tap0')).toBeNull()
    expect(openFds()).toBe(before)
  })
})

describe('a refusal', () => {
  test('has a name', () => {
    const refusal = (operation: string, name: string): unknown =>
      kernelError({ operation, object: TUN_DEVICE }, { errno: name, diagnostic: '' })
    expect(tapProblem(refusal('open tap device', 'ENOENT'))).toBe('no-device')
    expect(tapProblem(refusal('open tap device', 'ENODEV'))).toBe('no-device')
    expect(tapProblem(refusal('open tap device', 'EACCES'))).toBe('no-permission')
    expect(tapProblem(refusal('create tap', 'EPERM'))).toBe('no-permission')
    expect(tapProblem(refusal('create tap', 'ENODEV'))).toBeNull()
    expect(tapProblem(new Error('something else'))).toBeNull()
  })
})
