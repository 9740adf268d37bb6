/** IPsec in the kernel: what is put in is there, for us and for `ip`; and what it tells. */
import { existsSync, writeFileSync } from 'node:fs'
import { parseCidr, parseIp } from '@weft/core'
import {
  DatagramSender,
  Destinations,
  inNamespace,
  isKernelError,
  openDatagramSocket,
  openXfrmMonitor,
  probeKernel,
  probePacketPath,
  TAP_OFFLOADS,
  Xfrm,
  type XfrmNotice,
  type XfrmPolicySpec,
  type XfrmStateSpec,
} from '../src/index.ts'
import { describe, expect, test } from 'vitest'
import { atEnd, openFds, run, scratch, scratchPair } from './scratch.ts'

const MARK = 0xd0c4e3

const policy: XfrmPolicySpec = {
  direction: 'out',
  selector: {
    source: parseCidr('192.0.2.1/32'),
    destination: parseCidr('192.0.2.2/32'),
    protocol: 17,
    destinationPort: 4789,
  },
  mark: { value: MARK, mask: 0xffff_ffff },
  action: 'allow',
  priority: 0,
  template: {
    source: parseIp('192.0.2.1'),
    destination: parseIp('192.0.2.2'),
    reqid: 13681891,
    spi: 0x53083122,
  },
}

const state: XfrmStateSpec = {
  source: parseIp('192.0.2.1'),
  destination: parseIp('192.0.2.2'),
  spi: 0x53083122,
  reqid: 13681891,
  aead: { name: 'rfc4106(gcm(aes))', key: new Uint8Array(20).fill(7), icvBits: 64 },
  replayWindow: 32,
}

function xfrmIn(path: string): Xfrm {
  const xfrm = Xfrm.open(path)
  atEnd(() => xfrm.close())
  return xfrm
}

describe('policies', () => {
  test('are there for ip as for us, until they are removed', () => {
    const { path } = scratch()
    const xfrm = xfrmIn(path)
    xfrm.putPolicy('create', policy)
    expect(run(`nsenter --net=${path} ip xfrm policy`).replaceAll(/\s+/g, ' ').trim()).toBe(
      'src 192.0.2.1/32 dst 192.0.2.2/32 proto udp dport 4789 dir out priority 0 ptype main ' +
        'mark 0xd0c4e3/0xffffffff tmpl src 192.0.2.1 dst 192.0.2.2 ' +
        'proto esp spi 0x53083122 reqid 13681891 mode transport',
    )
    expect(xfrm.policies()).toEqual([policy])
    expect(xfrm.deletePolicy(policy)).toBe(true)
    expect(xfrm.deletePolicy(policy)).toBe(false)
    expect(xfrm.policies()).toEqual([])
  })

  test('are one to a selector and mark, and can be replaced', () => {
    const { path } = scratch()
    const xfrm = xfrmIn(path)
    xfrm.putPolicy('create', policy)
    expect(() => xfrm.putPolicy('create', policy)).toThrow(
      expect.objectContaining({
        details: expect.objectContaining({
          operation: 'create xfrm policy',
          object: 'out 192.0.2.1/32 > 192.0.2.2/32',
          errno: 'EEXIST',
        }),
      }),
    )
    const { template = policy.template } = policy
    const next = { ...policy, template: { ...template, reqid: 13681891, spi: 7 } } as XfrmPolicySpec
    xfrm.putPolicy('replace', next)
    expect(xfrm.policies()).toEqual([next])
  })

  test('of both families, and of a mark, are told apart', () => {
    const { path } = scratch()
    const xfrm = xfrmIn(path)
    const six: XfrmPolicySpec = {
      direction: 'in',
      selector: { source: parseCidr('fd00::1/128'), destination: parseCidr('fd00::/64') },
      action: 'block',
      priority: 9,
    }
    xfrm.putPolicy('create', six)
    xfrm.putPolicy('create', policy)
    xfrm.putPolicy('create', { ...policy, direction: 'in' })
    const byPriority = (a: XfrmPolicySpec, b: XfrmPolicySpec): number =>
      (a.priority ?? 0) - (b.priority ?? 0)
    expect(xfrm.policies().sort(byPriority)).toHaveLength(3)
    expect(xfrm.flushPolicies(MARK)).toBe(2)
    expect(xfrm.flushPolicies(MARK)).toBe(0)
    expect(xfrm.policies()).toEqual([six])
  })
})

describe('states', () => {
  test('are made, or refused in the kernel’s words, and never with the key', () => {
    const { path } = scratch()
    const xfrm = xfrmIn(path)
    const { esp: kernelEsp } = probeKernel()
    try {
      xfrm.putState('create', state)
      expect(kernelEsp).toBeNull()
      expect(xfrm.states()).toMatchObject([{ spi: state.spi, aead: { keyBits: 160, icvBits: 64 } }])
      expect(xfrm.flushStates(state.reqid)).toBe(1)
    } catch (error) {
      // A kernel without ESP, or without AES-GCM: the refusal is what probing foretold.
      if (!isKernelError(error) || kernelEsp === null) throw error
      expect(error.details).toMatchObject({
        operation: 'create xfrm state',
        object: '192.0.2.1 > 192.0.2.2 spi 0x53083122',
        ...kernelEsp,
      })
      expect(JSON.stringify(error.details)).not.toContain('7,7')
    }
    expect(xfrm.states()).toEqual([])
  })

  test('of others are read, and removed by what they are', () => {
    const { path } = scratch()
    const xfrm = xfrmIn(path)
    for (const reqid of [7, 8]) {
      run(
        `nsenter --net=${path} ip xfrm state allocspi src 192.0.2.1 dst 192.0.2.2 proto esp ` +
          `reqid ${reqid} mode transport min 256 max 4096`,
      )
    }
    const [first, second] = xfrm.states().sort((a, b) => a.reqid - b.reqid)
    expect(first).toMatchObject({
      source: '192.0.2.1',
      destination: '192.0.2.2',
      protocol: 50,
      reqid: 7,
      mode: 'transport',
      aead: null,
      packets: 0,
    })
    expect(first?.spi).toBeGreaterThanOrEqual(256)
    expect(xfrm.flushStates(7)).toBe(1)
    expect(xfrm.states()).toEqual([second])
    expect(xfrm.deleteState({ ...state, spi: second?.spi ?? 0 })).toBe(true)
    expect(xfrm.deleteState(state)).toBe(false)
    expect(xfrm.states()).toEqual([])
  })
})

/** States nobody completes end after a second; false where only real root may say so. */
function expireSoon(): boolean {
  const setting = '/proc/sys/net/core/xfrm_acq_expires'
  if (!existsSync(setting)) return false
  writeFileSync(setting, '1')
  return true
}

describe('the kernel tells', () => {
  test('of states that end, and of packets without a state', async () => {
    const [a] = scratchPair()
    const xfrm = xfrmIn(a.path)
    const notices: XfrmNotice[] = []
    let heard = (): void => undefined
    const listener = {
      told: (some: XfrmNotice[]) => {
        notices.push(...some)
        heard()
      },
      overrun: () => undefined,
      failed: () => undefined,
    }
    const monitor = openXfrmMonitor({ namespace: a.path }, listener)
    atEnd(() => monitor.close())
    const until = async (about: XfrmNotice['about']): Promise<XfrmNotice> => {
      for (;;) {
        const found = notices.find((notice) => notice.about === about)
        if (found !== undefined) return found
        await new Promise<void>((resolve) => (heard = resolve))
      }
    }
    const isSoon = inNamespace(a.path, expireSoon)
    const template = { source: parseIp('10.0.0.1'), destination: parseIp('10.0.0.2'), reqid: 3 }
    const selector = { source: parseCidr('10.0.0.1/32'), destination: parseCidr('10.0.0.2/32') }
    xfrm.putPolicy('create', { direction: 'out', selector, action: 'allow', template })
    const local = { ip: template.source, port: 0 }
    const socket = openDatagramSocket({ namespace: a.path, local })
    atEnd(() => socket.close())
    const destinations = new Destinations()
    const sender = new DatagramSender({ socket, destinations, messagesMax: 1 })
    const destination = destinations.add({ ip: template.destination, port: 9 })
    sender.queue(new Uint8Array(8), 0, 8, 0, destination)
    sender.flush()
    const { source } = template
    expect(await until('missing-state')).toEqual({
      about: 'missing-state',
      source,
      destination: template.destination,
    })
    if (!isSoon) return
    expect(await until('expiry')).toMatchObject({ hard: true, state: { source, reqid: 3 } })
  })
})

test('a path for packets is probed without a trace', () => {
  const before = openFds()
  const facts = probePacketPath()
  // Only real root may open the device.
  if (facts.tap === null) expect(facts.tapOffloads).toEqual(TAP_OFFLOADS)
  else expect(['no-device', 'no-permission']).toContain(facts.tapProblem)
  expect(facts).toMatchObject({
    segmentation: null,
    coalescing: null,
    rawEsp: null,
    features: null,
  })
  expect(openFds()).toBe(before)
})
