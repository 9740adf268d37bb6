/** Family seal: what is not sealed by a key of ours is thrown away, counted, and harms nothing. */
import { setU32, u32, u8 } from '@weft/core'
import { capabilityName } from '../../capability-name.ts'
import type { Check } from '../check.ts'
import { BLUE } from '../cluster.ts'
import { defineCase, type ComplianceCase } from '../compliance-case.ts'
import { labName, type SealingDamage } from '../lab.ts'
import { eventually, PATIENCE_MS, showsFrame } from '../traffic.ts'
import { expectHealed, openPair, type Pair } from './pair.ts'
import { expectCounted, SEALED, sealingOf, stream, type Reasons } from './sealing-parts.ts'
import { tunnelled } from './tunnelled.ts'

/** RFC 4303 §2: where the number of a packet is, and all that is in front of what is sealed. */
const SEQUENCE_AT = 4
const HEADER_BYTES = 16
/** Packets that a forger is ahead: inside of any window, and not sent yet. */
const AHEAD = 16

/** A window is kept a second after a run began, at the latest. */
const WINDOW_MS = 1_500

const CLEAR: Reasons = ['datagram-not-sealed']
const FORGED: Reasons = ['datagram-bad-icv']

/** A packet that b has sent to a, as the wire has shown it. */
async function overheard(check: Check, { a, b, c1, c2, traffic }: Pair): Promise<Uint8Array> {
  await traffic.expectReaches(c2, c1)
  const packet = (await traffic.sealed(a, b)).at(-1)
  return check.some(packet, 'a packet of ESP on the wire')
}

/** One that nobody has seen before: its number is new, and so its tag is wrong. */
function renumbered(packet: Uint8Array): Uint8Array {
  const forged = packet.slice()
  setU32(forged, SEQUENCE_AT, u32(forged, SEQUENCE_AT) + AHEAD)
  return forged
}

/** Attacks on a; `act` puts something on the wire that a must throw away and count. */
function refused(
  name: `seal/${string}`,
  promise: string,
  attack: {
    readonly requires?: readonly string[]
    /** How long a sender's run must have lasted. */
    readonly settleMs?: number
    readonly reasons: Reasons
    readonly count: number
    readonly act: (pair: Pair, packet: Uint8Array) => Promise<void>
  },
): ComplianceCase {
  const { act, count, reasons, requires = [], settleMs = 0 } = attack
  return defineCase({
    name,
    promise,
    requires: [SEALED, ...requires],
    conserves: false,
    dark: false,
    async run(lab, check) {
      const pair = await openPair(lab, check)
      const { traffic, a, c1, c2 } = pair
      const arrived = async (): Promise<number> =>
        (await traffic.inbox(c1)).filter(showsFrame).length
      await traffic.expectReaches(c2, c1)
      await lab.advance(settleMs * (lab.slowness ?? 1))
      await traffic.expectReaches(c2, c1)
      const packet = await overheard(check, pair)
      const before = await arrived()
      await expectCounted({ check, lab, node: a }, { count, reasons }, () => act(pair, packet))
      check.equal(await arrived(), before, 'frames that arrived of it')
      await traffic.expectReaches(c2, c1)
      await traffic.expectReaches(c1, c2)
      check.equal(await arrived(), before + 1, 'frames that arrived in all')
    },
  })
}

/** What others put on the underlay, and what they do to what keeps it out. */
export const refusalCases: readonly ComplianceCase[] = [
  refused('seal/clear', 'a clear datagram for an encrypted network is thrown away and counted', {
    reasons: CLEAR,
    count: 2,
    act: async ({ a, b, c1, c2, traffic }) => {
      for (let i = 0; i < 2; i++) await a.inject(b, tunnelled(BLUE[0], traffic.frame(c2, c1)))
    },
  }),
  refused('seal/forged', 'a packet that was changed on the way is thrown away and counted', {
    reasons: FORGED,
    count: 2,
    act: async ({ a, b, scene }, packet) => {
      const sealing = sealingOf(scene.lab)
      await sealing.inject(b, a, renumbered(packet))
      const damaged = renumbered(renumbered(packet))
      const last = damaged.length - 1
      damaged[last] = u8(damaged, last) ^ 1
      await sealing.inject(b, a, damaged)
    },
  }),
  refused('seal/truncated', 'a packet that was cut short is thrown away and counted', {
    // Where a kernel throws away what is shorter than any header, nobody counts it by name.
    reasons: [...FORGED, 'datagram-short'],
    count: 2,
    act: async ({ a, b, scene }, packet) => {
      const sealing = sealingOf(scene.lab)
      const forged = renumbered(packet)
      const ends = [4, 8, HEADER_BYTES, HEADER_BYTES + 24, forged.length - 4]
      for (const end of ends) await sealing.inject(b, a, forged.slice(0, end))
    },
  }),
  refused('seal/replayed', 'a packet that was received before is thrown away and counted', {
    requires: [capabilityName.replayWindow],
    settleMs: WINDOW_MS,
    reasons: ['datagram-replayed', 'datagram-late'],
    count: 3,
    act: async ({ a, b, scene }, packet) => {
      for (let i = 0; i < 3; i++) await sealingOf(scene.lab).inject(b, a, packet)
    },
  }),
  lost({
    name: 'seal/associations-lost',
    promise: 'associations that somebody took away are back within a second, and nothing is clear',
    damage: 'delete-associations',
    item: 'associations/',
    requires: [],
  }),
  lost({
    name: 'seal/guards-lost',
    promise: 'rules against clear datagrams that somebody took away are back within a second',
    damage: 'delete-guards',
    item: 'guards/',
    requires: [labName.guards],
  }),
]

/** What keeps a network dark, gone behind our back. */
function lost(wound: {
  readonly name: `seal/${string}`
  readonly promise: string
  readonly damage: SealingDamage['kind']
  /** What paths of it begin with. */
  readonly item: string
  readonly requires: readonly string[]
}): ComplianceCase {
  return defineCase({
    name: wound.name,
    promise: wound.promise,
    requires: [SEALED, ...wound.requires],
    conserves: false,
    dark: wound.damage !== 'delete-guards',
    async run(lab, check) {
      const pair = await openPair(lab, check)
      const { traffic, a, b, c1, c2 } = pair
      const told: string[] = []
      a.dataplane.events.on('drift', ({ items }) => void told.push(...items))
      // Without rules, what is sent within the milliseconds until they are back may be clear.
      const flow = wound.damage === 'delete-guards' ? null : stream(pair)
      await a.sabotage({ kind: wound.damage })
      const isTold = (): boolean => told.some((item) => item.startsWith(wound.item))
      check.ok(await eventually(lab, isTold), `drift names ${wound.item} in ${PATIENCE_MS} ms`)
      await expectHealed(lab, check, pair)
      await flow?.stop()
      await traffic.expectReaches(c1, c2)
      await traffic.expectReaches(c2, c1)
      const clear = traffic.frame(c2, c1)
      await expectCounted({ check, lab, node: a }, { reasons: CLEAR }, () =>
        a.inject(b, tunnelled(BLUE[0], withoutText(clear))),
      )
      await traffic.expectReaches(c2, c1)
    },
  })
}

/** A frame that darkness is not judged by. */
function withoutText(frame: Uint8Array): Uint8Array {
  return frame.slice().fill(0, 42)
}
