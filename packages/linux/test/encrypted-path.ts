/**
 * Two namespaces whose datagrams of one VNI the kernel encrypts, and what goes wrong between them.
 * Knows no test runner, so that a guest of QEMU with another kernel can run it: `node` suffices.
 */
import assert from 'node:assert/strict'
import { parseCidr, parseInterfaceAddress, parseIp, setU32, u24, u32, vni } from '@weft/core'
import {
  createNamespace,
  DatagramReceiver,
  DatagramSender,
  deleteNamespace,
  Destinations,
  Kernel,
  namespacePath,
  Nftables,
  openDatagramSocket,
  openRawDatagramSocket,
  openXfrmMonitor,
  PinnedMemory,
  PollSet,
  Xfrm,
  type DatagramSocket,
  type SetEntry,
  type TableSpec,
  type XfrmNotice,
  type XfrmPolicySpec,
  type XfrmStateSpec,
} from '../src/index.ts'

const [NEAR, FAR] = [parseIp('192.0.2.1'), parseIp('192.0.2.2')]
const PORT = 4789
const GUARDED = 0xabcdef
const OPEN = 0xabcdee
const MARK = 0xd0c4e3
const REQID = 13681891
const SECRET = 'what only the overlay may know'
const SLOT_BYTES = 66_000

/** Long enough for anything that comes. */
const SOON_MS = 5000
/** Long enough to believe that nothing comes. */
const NEVER_MS = 300

/** A state of docker-wire §5.4, with this SPI. */
function stateOf(spi: number, fill: number, more: Partial<XfrmStateSpec> = {}): XfrmStateSpec {
  const key = new Uint8Array(20).fill(fill)
  setU32(key, 16, spi)
  const aead = { name: 'rfc4106(gcm(aes))', key, icvBits: 64 }
  return { source: NEAR, destination: FAR, spi, reqid: REQID, aead, replayWindow: 32, ...more }
}

function policyOf(spi: number): XfrmPolicySpec {
  const [source, destination] = [parseCidr('192.0.2.1/32'), parseCidr('192.0.2.2/32')]
  return {
    direction: 'out',
    selector: { source, destination, protocol: 17, destinationPort: PORT },
    mark: { value: MARK, mask: 0xffff_ffff },
    action: 'allow',
    template: { source: NEAR, destination: FAR, reqid: REQID, spi },
  }
}

/** docker-wire §5.6, and what it lacks: nothing leaves in the clear. */
function guard(): TableSpec {
  const port = { on: 'udp-destination-port', port: PORT } as const
  const guarded = { on: 'vxlan-vni', vni: vni(GUARDED) } as const
  const base = { policy: 'accept' } as const
  const isLeavingClear = { on: 'will-be-encrypted', is: false } as const
  const cameClear = { on: 'was-encrypted', is: false } as const
  return {
    family: 'inet',
    name: 'weft-guard',
    chains: [
      {
        ...base,
        name: 'mark',
        hook: 'output',
        type: 'route',
        priority: -150,
        rules: [{ matches: [port, guarded], counter: true, setMark: MARK, verdict: 'continue' }],
      },
      {
        ...base,
        name: 'out',
        hook: 'postrouting',
        priority: 0,
        rules: [{ matches: [port, guarded, isLeavingClear], counter: true, verdict: 'drop' }],
      },
      {
        ...base,
        name: 'in',
        hook: 'input',
        priority: -300,
        rules: [{ matches: [guarded, cameClear], counter: true, verdict: 'drop' }],
      },
    ],
  }
}

/** One end: a namespace, its IPsec and its guard. */
class End {
  readonly path: string
  readonly kernel: Kernel
  readonly xfrm: Xfrm
  readonly nft: Nftables

  constructor(name: string) {
    createNamespace({ name })
    this.path = namespacePath({ name })
    this.kernel = Kernel.open(this.path)
    this.xfrm = Xfrm.open(this.path)
    this.nft = Nftables.open(this.path)
    this.nft.replaceTable(guard())
  }

  configure(address: string): void {
    const linkIndex = this.kernel.links.require('eth0').index
    this.kernel.links.change(linkIndex, { up: true })
    this.kernel.addresses.apply('create', { linkIndex, address: parseInterfaceAddress(address) })
  }

  /** Packets that the rules of the guard saw: marked, kept from leaving, kept from entering. */
  guarded(): (number | null)[] {
    return this.nft.rules(guard()).map(({ packets }) => packets)
  }

  close(): void {
    for (const one of [this.nft, this.xfrm, this.kernel]) one.close()
  }
}

/** Sockets from the near end to the far one, and what arrives. */
class Traffic {
  readonly sender: DatagramSender
  readonly #to: DatagramSocket
  readonly #wire: DatagramSocket
  readonly #destination: number
  readonly #opened: DatagramSocket[]
  readonly memory = PinnedMemory.allocate(8 * SLOT_BYTES)
  readonly #receiver = new DatagramReceiver({
    memory: this.memory,
    slots: Array.from({ length: 8 }, (_, i) => i * SLOT_BYTES),
    slotBytes: SLOT_BYTES,
  })

  constructor(near: End, far: End) {
    const from = openDatagramSocket({ namespace: near.path, local: { ip: NEAR, port: PORT } })
    this.#to = openDatagramSocket({ namespace: far.path, local: { ip: FAR, port: PORT } })
    // Raw sockets see ESP as it comes from the wire, beside the kernel's own use of it.
    this.#wire = openRawDatagramSocket({ namespace: far.path, local: FAR, protocol: 50 })
    const destinations = new Destinations()
    this.#destination = destinations.add(this.#to.address)
    this.sender = new DatagramSender({ socket: from, destinations, messagesMax: 8 })
    this.#opened = [from, this.#to, this.#wire]
  }

  /** Send VXLAN datagrams of a VNI. */
  send(id: number, count = 1): void {
    const header = [8, 0, 0, 0, id >> 16, (id >> 8) & 0xff, id & 0xff, 0]
    const bytes = Uint8Array.of(...header, ...new TextEncoder().encode(SECRET))
    for (let i = 0; i < count; i++) this.sender.queue(bytes, 0, bytes.length, 0, this.#destination)
    this.sender.flush()
  }

  /** VNIs of the datagrams that arrive, up to so many. */
  arrivals(countMax: number): number[] {
    const ids: number[] = []
    while (ids.length < countMax && this.#take(this.#to, SOON_MS)) {
      ids.push(u24(this.memory.bytes, 4))
    }
    return ids
  }

  /** Nothing arrives for a while. */
  get isSilent(): boolean {
    return !this.#take(this.#to, NEVER_MS)
  }

  /** SPIs of the ESP packets on the wire up to now; none holds what it should hide. */
  spis(): number[] {
    const spis: number[] = []
    while (this.#take(this.#wire, 0)) {
      const { bytes } = this.memory
      const packet = bytes.subarray(0, this.#receiver.endOf(0))
      assert.ok(!Buffer.from(packet).includes(SECRET), 'the clear is on the wire')
      spis.push(u32(packet, 20))
    }
    return spis
  }

  close(): void {
    for (const socket of this.#opened) socket.close()
  }

  #take({ fd }: DatagramSocket, timeoutMs: number): boolean {
    const set = new PollSet()
    set.add(fd, 'readable')
    return set.wait(timeoutMs) > 0 && this.#receiver.receive(fd, 1) === 1
  }
}

/** All of it. Throws where something is not as it should be. Needs ESP with AES-GCM. */
export async function runEncryptedPath(): Promise<void> {
  const names = [`esp-${process.pid}-a`, `esp-${process.pid}-b`] as const
  const [near, far] = [new End(names[0]), new End(names[1])]
  const peer = { name: 'eth0', namespaceFd: far.kernel.namespace.fd }
  near.kernel.links.create({ kind: 'veth', name: 'eth0', peer })
  near.configure('192.0.2.1/24')
  far.configure('192.0.2.2/24')
  const traffic = new Traffic(near, far)
  try {
    checkNothingClear(near, traffic)
    checkEncryption(near, far, traffic)
    checkRotation(near, far, traffic)
    checkForgery(far, traffic)
    checkRuns(near, far, traffic)
    checkSegments(near, far, traffic)
    await checkLimits(far, traffic)
    checkKinds(near)
  } finally {
    traffic.close()
    for (const end of [near, far]) end.close()
    for (const name of names) deleteNamespace({ name })
  }
}

/** Before there is any state or policy, and for that VNI alone. */
function checkNothingClear(near: End, traffic: Traffic): void {
  traffic.send(GUARDED)
  traffic.send(OPEN)
  assert.deepEqual(traffic.arrivals(1), [OPEN])
  assert.deepEqual(near.guarded(), [1, 1, 0])
  assert.deepEqual(traffic.spis(), [])
}

function checkEncryption(near: End, far: End, traffic: Traffic): void {
  far.xfrm.putState('create', stateOf(1000, 1))
  near.xfrm.putState('create', stateOf(1000, 1, { replayWindow: 0 }))
  near.xfrm.putPolicy('create', policyOf(1000))
  traffic.send(GUARDED)
  traffic.send(OPEN)
  assert.deepEqual(traffic.arrivals(2), [GUARDED, OPEN])
  assert.deepEqual(traffic.spis(), [1000])
  assert.partialDeepStrictEqual(far.xfrm.states(), [{ spi: 1000, packets: 1, replayWindow: 32 }])
  assert.throws(() => near.xfrm.putState('create', stateOf(1000, 1)), /the kernel refused/)
}

/** Receive first, then send, then retire. */
function checkRotation(near: End, far: End, traffic: Traffic): void {
  far.xfrm.putState('create', stateOf(2000, 2))
  near.xfrm.putState('create', stateOf(2000, 2, { replayWindow: 0 }))
  traffic.send(GUARDED)
  near.xfrm.putPolicy('replace', policyOf(2000))
  traffic.send(GUARDED)
  for (const { xfrm } of [near, far]) assert.equal(xfrm.deleteState(stateOf(1000, 0)), true)
  traffic.send(GUARDED)
  assert.deepEqual(traffic.arrivals(3), [GUARDED, GUARDED, GUARDED])
  assert.deepEqual(traffic.spis(), [1000, 2000, 2000])
}

function checkForgery(far: End, traffic: Traffic): void {
  far.xfrm.deleteState(stateOf(2000, 0))
  far.xfrm.putState('create', stateOf(2000, 99))
  traffic.send(GUARDED)
  assert.ok(traffic.isSilent)
  assert.partialDeepStrictEqual(far.xfrm.states(), [{ spi: 2000, forged: 1 }])
  far.xfrm.deleteState(stateOf(2000, 0))
  far.xfrm.putState('create', stateOf(2000, 2))
}

/**
 * A state for each run of a sender, told apart by the first word of its vectors: one that was
 * made anew has numbers from 1, and no state refuses them.
 */
function checkRuns(near: End, far: End, traffic: Traffic): void {
  const mask = 0x7000_0000
  far.xfrm.deleteState(stateOf(2000, 0))
  far.xfrm.putState('create', stateOf(2000, 2, { replayWindow: 0, mark: { value: 0, mask } }))
  far.nft.replaceTable(runs([]))
  traffic.send(GUARDED, 3)
  assert.deepEqual(traffic.arrivals(3), [GUARDED, GUARDED, GUARDED])
  const marks = [0x1000_0000, 0x2000_0000]
  for (const [index, value] of marks.entries()) {
    if (index > 0) {
      near.xfrm.deleteState(stateOf(2000, 0))
      near.xfrm.putState('create', stateOf(2000, 2, { replayWindow: 0 }))
      traffic.send(GUARDED, 3)
      assert.deepEqual(traffic.arrivals(3), [GUARDED, GUARDED, GUARDED])
    }
    const seen = far.nft.keys(runs([]), 'seen')
    assert.equal(seen.length, 1)
    const more = { replayWindow: 1024, mark: { value, mask }, outputMark: { value: 0, mask } }
    far.xfrm.putState('create', stateOf(2000, 2, more))
    const before = far.nft.keys(runs([]), 'runs')
    const entries = [...before, ...seen].map((words, at) => ({ words, mark: marks[at] ?? 0 }))
    far.nft.replaceTable(runs(entries))
    traffic.send(GUARDED, 5)
    assert.deepEqual(traffic.arrivals(5), Array<number>(5).fill(GUARDED))
    assert.deepEqual(far.nft.keys(runs([]), 'seen'), [])
  }
  const counts = far.xfrm.states().map(({ mark, packets }) => [mark?.value, packets])
  assert.deepEqual(counts.sort(), [[0, 6], ...marks.map((value) => [value, 5])])
  for (const value of marks) far.xfrm.deleteState(stateOf(2000, 0, { mark: { value, mask } }))
  far.xfrm.deleteState(stateOf(2000, 0, { mark: { value: 0, mask } }))
  far.nft.deleteTable(runs([]))
  far.xfrm.putState('create', stateOf(2000, 2))
  traffic.spis()
}

/** What tells runs apart where packets come in. */
function runs(entries: readonly SetEntry[]): TableSpec {
  const remembers = { forgetMs: 60_000, entriesMax: 16 }
  const rule = { matches: [], counter: false } as const
  return {
    family: 'ip',
    name: 'weft-runs',
    sets: [
      { name: 'runs', key: 'esp-run', holds: 'marks', entries },
      { name: 'seen', key: 'esp-run', holds: 'keys', remembers, entries: [] },
    ],
    chains: [
      {
        name: 'runs',
        hook: 'input',
        priority: 1000,
        policy: 'accept',
        rules: [
          { ...rule, setMark: { from: 'runs', key: 'esp-run' }, verdict: 'accept' },
          { ...rule, remember: { in: 'seen', key: 'esp-run' }, verdict: 'continue' },
        ],
      },
    ],
  }
}

/** Joined datagrams cannot be encrypted together: one by one they are (EIO, udp_send_skb). */
function checkSegments(near: End, far: End, traffic: Traffic): void {
  const { mark, ...whateverMark } = policyOf(2000)
  assert.equal(mark?.value, MARK)
  near.xfrm.putPolicy('create', whateverMark)
  const before = traffic.sender.counters()
  traffic.send(GUARDED, 5)
  assert.deepEqual(traffic.arrivals(5), Array<number>(5).fill(GUARDED))
  const after = traffic.sender.counters()
  assert.equal(after.unsegmented - before.unsegmented, 1)
  assert.equal(after.sent - before.sent, 5)
  assert.equal(near.xfrm.deletePolicy(whateverMark), true)
  assert.deepEqual(far.guarded(), [0, 0, 0])
  traffic.spis()
}

/** At the soft limit the kernel tells, at the hard one it stops as well. */
async function checkLimits(far: End, traffic: Traffic): Promise<void> {
  const told: XfrmNotice[] = []
  const monitor = openXfrmMonitor(
    { namespace: far.path },
    { told: (some) => told.push(...some), overrun: () => undefined, failed: () => undefined },
  )
  far.xfrm.deleteState(stateOf(2000, 0))
  far.xfrm.putState('create', stateOf(2000, 2, { limits: { softPackets: 2, hardPackets: 4 } }))
  traffic.send(GUARDED, 6)
  assert.equal(traffic.arrivals(4).length, 4)
  assert.ok(traffic.isSilent)
  await monitor.flush()
  await monitor.close()
  const expiries = told.map((notice) => notice.about === 'expiry' && notice.hard)
  assert.deepEqual(expiries, [false, true])
  assert.deepEqual(far.xfrm.states(), [])
}

/** Every kind of state is made, read back as it was meant, and flushed by its reqid. */
function checkKinds({ xfrm }: End): void {
  xfrm.flushStates(REQID)
  const udpEncapsulation = { sourcePort: 4500, destinationPort: 4501 }
  const mark = { value: 5, mask: 0xff }
  const source = parseIp('fd00::1')
  const kinds = [
    stateOf(300, 3, { extendedSequence: true, replayWindow: 1024 }),
    stateOf(302, 5, { udpEncapsulation, mark }),
    stateOf(303, 6, { source, destination: parseIp('fd00::2') }),
    stateOf(304, 7, { replayWindow: 1024, outputMark: { value: 0, mask: 0xff } }),
  ]
  for (const spec of kinds) xfrm.putState('create', spec)
  const states = xfrm.states().sort((a, b) => a.spi - b.spi)
  assert.partialDeepStrictEqual(states, [
    { spi: 300, extendedSequence: true, replayWindow: 1024 },
    { spi: 302, udpEncapsulation, mark },
    { spi: 303, source, aead: { name: 'rfc4106(gcm(aes))', keyBits: 160, icvBits: 64 } },
    { spi: 304, extendedSequence: false, replayWindow: 1024 },
  ])
  assert.equal(xfrm.flushStates(REQID), 4)
  assert.deepEqual(xfrm.states(), [])
}
