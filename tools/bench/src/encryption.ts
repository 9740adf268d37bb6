/** What sealing and opening a packet costs, by suite and implementation. */
import { createCipheriv, createDecipheriv } from 'node:crypto'
import { CIPHER_NONCE_BYTES, parseIp, setU32, u32, type CipherSuite } from '@weft/core'
import {
  DOCKER_PROFILE,
  ESP_HEADER_BYTES,
  espOverheadBytes,
  KeyRing,
  NetworkKey,
  openSodium,
  SecurityAssociations,
} from '@weft/encryption'
import { libcryptoLack, libcryptoSuite } from '@weft/linux'
import { nodeCipherSuites, nodeEntropy } from '@weft/runtime-node'
import { median } from './statistics.ts'
import type { BenchSuite } from './suite.ts'

const RUNS = 3
const SLICES = 20
const SLICE_PACKETS = 500
const PACKET_BYTES = 1_450
const AGAINST = 'createCipheriv of AES-128-GCM for each packet'
const [LOCAL, PEER] = [parseIp('192.0.2.1'), parseIp('192.0.2.2')]

/** Both directions of a thing; each call is one packet. */
interface Work {
  readonly name: string
  /** Called before each slice, untimed: have packets that can be opened once. */
  prepare?(): void
  seal(): void
  open(): void
}

/** See the package's README for what each row means. */
export const encryptionSuite: BenchSuite = {
  name: 'encryption',
  describe: 'seal and open 1,450 bytes by each suite and implementation, against node:crypto',
  needsKernel: false,
  async run(report, say) {
    const baseline = plainWork()
    const sodium = await openSodium()
    const node = Object.values(nodeCipherSuites)
    const library = node.flatMap(({ name }) => libcryptoSuite(name) ?? [])
    if (library.length === 0) say(`no rows of libcrypto: ${libcryptoLack() ?? 'no such ciphers'}`)
    const works = [
      ...node.map((suite) => cipherWork('node', suite)),
      ...library.map((suite) => cipherWork('libcrypto', suite)),
      cipherWork('libsodium', sodium),
      ...node.map((suite) => espWork('node', suite)),
      ...library.map((suite) => espWork('libcrypto', suite)),
      espWork('libsodium', sodium),
    ]
    for (const work of works) {
      for (const direction of ['seal', 'open'] as const) {
        const runs = measure(work, baseline, direction)
        const micros = median(runs.map(({ ours }) => ours))
        report({
          name: `${work.name}-${direction}`,
          median: micros,
          unit: 'µs',
          against: AGAINST,
          ratio: median(runs.map(({ ours, theirs }) => theirs / ours)),
          runs: RUNS,
        })
      }
    }
  },
}

interface Run {
  readonly ours: number
  readonly theirs: number
}

/** In short slices by turns, so that drift of the machine's speed hits both; one run is to warm. */
function measure(work: Work, baseline: Work, direction: 'seal' | 'open'): readonly Run[] {
  const runs = Array.from({ length: RUNS + 1 }, () => {
    const sums = { ours: 0, theirs: 0 }
    for (let slice = 0; slice < SLICES; slice++) {
      sums.ours += microsOf(work, direction) / SLICES
      sums.theirs += microsOf(baseline, direction) / SLICES
    }
    return sums
  })
  return runs.slice(1)
}

/** Microseconds of this process a packet: what others do on the machine does not count. */
function microsOf(work: Work, direction: 'seal' | 'open'): number {
  if (direction === 'open') work.prepare?.()
  const before = process.cpuUsage()
  for (let i = 0; i < SLICE_PACKETS; i++) {
    if (direction === 'seal') work.seal()
    else work.open()
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / SLICE_PACKETS
}

/** As Node's documentation has it: no place of its own, a new array for each packet. */
function plainWork(): Work {
  const key = new Uint8Array(16).fill(1)
  const nonce = new Uint8Array(CIPHER_NONCE_BYTES)
  const associated = new Uint8Array(8)
  const plain = new Uint8Array(PACKET_BYTES).fill(0x5a)
  const seal = (): Buffer => {
    setU32(nonce, 8, (u32(nonce, 8) + 1) >>> 0)
    const cipher = createCipheriv('aes-128-gcm', key, nonce)
    cipher.setAAD(associated)
    return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
  }
  const sealed = seal()
  const sealedNonce = nonce.slice()
  const open = (): Buffer => {
    const cipher = createDecipheriv('aes-128-gcm', key, sealedNonce, { authTagLength: 16 })
    cipher.setAAD(associated)
    cipher.setAuthTag(sealed.subarray(PACKET_BYTES))
    return Buffer.concat([cipher.update(sealed.subarray(0, PACKET_BYTES)), cipher.final()])
  }
  return { name: 'plain', seal, open }
}

function cipherWork(implementation: string, suite: CipherSuite): Work {
  const cipher = suite.open(new Uint8Array(suite.keyBytes).fill(1))
  const nonce = new Uint8Array(CIPHER_NONCE_BYTES)
  const associated = new Uint8Array(8)
  const bytes = new Uint8Array(PACKET_BYTES + suite.tagBytes).fill(0x5a)
  const seal = (): void => {
    setU32(nonce, 8, (u32(nonce, 8) + 1) >>> 0)
    cipher.seal(bytes, 0, PACKET_BYTES, nonce, associated)
  }
  seal()
  const [sealed, sealedNonce, packet] = [bytes.slice(), nonce.slice(), bytes.slice()]
  const open = (): void => {
    // Opened where it stands: what is opened next has to be put there again.
    packet.set(sealed)
    const isOpen = cipher.open(packet, 0, packet.length, sealedNonce, associated)
    if (!isOpen) throw new Error('bug: does not open what it sealed')
  }
  return { name: `${implementation}-${suite.name}`, seal, open }
}

/** All of it: look-up, header, padding, sequence number, replay window. */
function espWork(implementation: string, suite: CipherSuite): Work {
  const [near, far] = [nodeOf(suite, false), nodeOf(suite, true)]
  const bytes = new Uint8Array(PACKET_BYTES + espOverheadBytes(suite)).fill(0x5a)
  const seal = (): number => {
    const end = near.seal(bytes, ESP_HEADER_BYTES, ESP_HEADER_BYTES + PACKET_BYTES, PEER)
    if (typeof end !== 'number') throw new Error(`bug: not sealed: ${end}`)
    return end
  }
  const sealed: Uint8Array[] = []
  const prepare = (): void => {
    sealed.length = 0
    while (sealed.length < SLICE_PACKETS) sealed.push(bytes.slice(0, seal()))
    // The next to be opened is the last of them.
    sealed.reverse()
  }
  const packet = new Uint8Array(bytes.length)
  const open = (): void => {
    const next = sealed.pop() ?? packet
    packet.set(next)
    const end = far.open(packet, 0, next.length, LOCAL)
    if (typeof end !== 'number') throw new Error(`bug: not opened: ${end}`)
  }
  return { name: `${implementation}-esp-${suite.name}`, prepare, seal, open }
}

function nodeOf(suite: CipherSuite, isFar: boolean): SecurityAssociations {
  const [local, peer] = isFar ? [PEER, LOCAL] : [LOCAL, PEER]
  const options = { local, suite, protocol: 17, sequenceAfter: () => 0 }
  const associations = new SecurityAssociations(options, nodeEntropy)
  const key = new NetworkKey({ lamportTime: 1n, bytes: new Uint8Array(suite.keyBytes).fill(1) })
  for (const step of new KeyRing().replace([key])) associations.apply(step)
  associations.addPeer(peer, DOCKER_PROFILE)
  return associations
}
