/** Stacks on virtual time: on a wire with each other, or alone with what a test gives them. */
import { parseInterfaceAddress, parseIp, parseMac, type Ip, type Mac } from '@weft/core'
import { SeededRandom, VirtualClock } from '@weft/core/testing'
import { arpReplyFrame, describeFrame, neighbourAdvertisementFrame } from '@weft/wire'
import { NetStack, type ReceiveDrop, type StackConfig, type TransmitDrop } from '../src/index.ts'

/** Both address families. */
export const FAMILIES = [4, 6] as const

/** What a test's stack is, unless it says otherwise. */
export const OURS = {
  mac: parseMac('02:42:0a:00:01:02'),
  addresses: ['10.0.1.2/24', 'fd00:1::2/64'].map(parseInterfaceAddress),
  gateways: ['10.0.1.1', 'fd00:1::1'].map((text) => parseIp(text)),
  mtuBytes: 1450,
} satisfies StackConfig

/** Our addresses, by family. */
export const OUR_IP = { 4: parseIp('10.0.1.2'), 6: parseIp('fd00:1::2') } as const

/** Somebody else on the same network. */
export const THEIRS = {
  mac: parseMac('02:42:0a:00:01:03'),
  ip: { 4: parseIp('10.0.1.3'), 6: parseIp('fd00:1::3') },
} as const

/** The same, as a configuration. */
export const THEIR_CONFIG: StackConfig = {
  ...OURS,
  mac: THEIRS.mac,
  addresses: ['10.0.1.3/24', 'fd00:1::3/64'].map(parseInterfaceAddress),
}

/** A stack whose cable ends in the test. */
export class Bench {
  readonly clock = new VirtualClock()
  readonly stack: NetStack
  /** What it sent and nobody took yet. */
  readonly sent: Uint8Array[] = []

  constructor(config: Partial<StackConfig> = {}) {
    this.stack = new NetStack({ clock: this.clock, random: new SeededRandom('bench') })
    this.stack.configure({ ...OURS, ...config })
    this.stack.connect((frame) => void this.sent.push(frame.slice()))
  }

  /** Hand it frames, and let it deal with them. */
  async give(...frames: readonly Uint8Array[]): Promise<void> {
    for (const frame of frames) this.stack.deliver(frame.slice())
    await this.clock.advance(0)
  }

  /** What it sent since, a line for each layer, without spaces before them. */
  take(): string[][] {
    return this.sent.splice(0).map(linesOf)
  }

  /** As if somebody had answered where they are. */
  async introduce(family: 4 | 6, mac: Mac = THEIRS.mac, ip: Ip = THEIRS.ip[family]): Promise<void> {
    const asker = { mac: OURS.mac, ip: OUR_IP[family] }
    const answer = family === 4 ? arpReplyFrame : neighbourAdvertisementFrame
    await this.give(answer({ mac, ip }, asker))
  }

  dropped(reason: ReceiveDrop): number {
    return this.stack.counters().dropped.get(reason) ?? 0
  }

  unsent(reason: TransmitDrop): number {
    return this.stack.counters().unsent.get(reason) ?? 0
  }
}

/** A frame, a line for each layer. */
export function linesOf(frame: Uint8Array): string[] {
  return describeFrame(frame).split('\n').map((line) => line.trim())
}

/** An envelope from somebody to us. */
export function toUs(family: 4 | 6) {
  return {
    sourceMac: THEIRS.mac,
    destinationMac: OURS.mac,
    source: THEIRS.ip[family],
    destination: OUR_IP[family],
  }
}

/** Two stacks on one wire, and what passes on it. */
export function wired(
  clock: VirtualClock,
  configs: readonly [StackConfig, StackConfig] = [OURS, THEIR_CONFIG],
  pass: (frame: Uint8Array) => readonly Uint8Array[] = (frame) => [frame],
): [NetStack, NetStack] {
  const made = (config: StackConfig, seed: number): NetStack => {
    const stack = new NetStack({ clock, random: new SeededRandom(seed) })
    stack.configure(config)
    return stack
  }
  const [one, two] = [made(configs[0], 1), made(configs[1], 2)]
  const cableTo = (other: NetStack) => (frame: Uint8Array): void => {
    for (const each of pass(frame.slice())) clock.schedule(clock.now(), () => other.deliver(each))
  }
  one.connect(cableTo(two))
  two.connect(cableTo(one))
  return [one, two]
}
