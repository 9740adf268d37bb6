/** nftables against what `nft` makes of it, and against packets. */
import { parseCidr, parseIp, u24, vni } from '@weft/core'
import {
  COMMENT_BYTES_MAX,
  DatagramReceiver,
  DatagramSender,
  Destinations,
  Nftables,
  openDatagramSocket,
  openRawSocket,
  PinnedMemory,
  PollSet,
  type ChainSpec,
  type DatagramSocket,
  type TableSpec,
} from '../src/index.ts'
import { describe, expect, test } from 'vitest'
import { atEnd, run, scratch, scratchPair } from './scratch.ts'

function nftIn(path: string): Nftables {
  const nft = Nftables.open(path)
  atEnd(() => nft.close())
  return nft
}

const ruleset = (path: string): string =>
  run(`nsenter --net=${path} nft list ruleset`).replaceAll('\t', ' ').trim()

const input: ChainSpec = {
  name: 'in',
  hook: 'input',
  priority: 0,
  policy: 'accept',
  rules: [
    {
      matches: [
        { on: 'incoming-link', name: 'eth0' },
        { on: 'source', cidr: parseCidr('10.0.0.0/20') },
      ],
      counter: true,
      verdict: 'drop',
      comment: 'cut a–b',
    },
    {
      matches: [
        { on: 'destination', cidr: parseCidr('fd00::1/128') },
        { on: 'protocol', protocol: 6 },
      ],
      counter: false,
      verdict: 'accept',
    },
    { matches: [{ on: 'udp-destination-port', port: 4789 }], counter: true, verdict: 'drop' },
  ],
}

const table: TableSpec = {
  family: 'inet',
  name: 'weft-cut',
  chains: [
    input,
    {
      name: 'out',
      hook: 'output',
      priority: -10,
      policy: 'drop',
      rules: [
        { matches: [{ on: 'outgoing-link', name: 'lo' }], counter: false, verdict: 'accept' },
      ],
    },
  ],
}

const encrypted = { on: 'vxlan-vni', vni: vni(0xabcdef) } as const
const mark = 0xd0c4e3

/** docker-wire §5.6, and what it lacks: nothing leaves in the clear either. */
const encryptionGuard: TableSpec = {
  family: 'inet',
  name: 'weft-guard',
  chains: [
    {
      name: 'mark',
      hook: 'output',
      type: 'route',
      priority: -150,
      policy: 'accept',
      rules: [
        {
          matches: [{ on: 'udp-destination-port', port: 4789 }, encrypted],
          counter: false,
          setMark: mark,
          verdict: 'continue',
        },
      ],
    },
    {
      name: 'out',
      hook: 'postrouting',
      priority: 0,
      policy: 'accept',
      rules: [
        {
          matches: [
            { on: 'mark', mark },
            { on: 'will-be-encrypted', is: false },
          ],
          counter: true,
          verdict: 'drop',
        },
      ],
    },
    {
      name: 'in',
      hook: 'input',
      priority: -300,
      policy: 'accept',
      rules: [
        {
          matches: [encrypted, { on: 'was-encrypted', is: false }],
          counter: true,
          verdict: 'drop',
        },
      ],
    },
  ],
}

describe('a table', () => {
  test('reads in nft as it was meant', () => {
    const { path } = scratch()
    nftIn(path).replaceTable(table)
    expect(ruleset(path)).toMatchInlineSnapshot(`
      "table inet weft-cut {
       chain in {
        type filter hook input priority filter; policy accept;
        iifname "eth0" ip saddr 10.0.0.0/20 counter packets 0 bytes 0 drop comment "cut a–b"
        ip6 daddr fd00::1 meta l4proto tcp accept
        udp dport 4789 counter packets 0 bytes 0 drop
       }

       chain out {
        type filter hook output priority filter - 10; policy drop;
        oifname "lo" accept
       }
      }"
    `)
  })

  test('of each other family too', () => {
    const { path } = scratch()
    const nft = nftIn(path)
    const rules = [
      {
        matches: [{ on: 'source', cidr: parseCidr('10.0.0.1/32') }],
        counter: true,
        verdict: 'drop',
      },
    ] as const
    const chain = { name: 'c', priority: 5, policy: 'accept', rules } as const
    const hook = 'prerouting'
    nft.replaceTable({ family: 'ip', name: 'a', chains: [{ ...chain, hook }] })
    nft.replaceTable({ family: 'bridge', name: 'b', chains: [{ ...chain, hook }] })
    const ingress = { ...chain, hook: 'ingress', device: 'lo' } as const
    nft.replaceTable({ family: 'netdev', name: 'd', chains: [ingress] })
    const matches = [{ on: 'source', cidr: parseCidr('fd00::/9') }] as const
    const six = { ...chain, hook, rules: [{ matches, counter: false, verdict: 'drop' }] } as const
    nft.replaceTable({ family: 'ip6', name: 'e', chains: [six] })
    expect(ruleset(path)).toMatchInlineSnapshot(`
      "table ip a {
       chain c {
        type filter hook prerouting priority filter + 5; policy accept;
        ip saddr 10.0.0.1 counter packets 0 bytes 0 drop
       }
      }
      table bridge b {
       chain c {
        type filter hook prerouting priority 5; policy accept;
        ip saddr 10.0.0.1 counter packets 0 bytes 0 drop
       }
      }
      table netdev d {
       chain c {
        type filter hook ingress device "lo" priority filter + 5; policy accept;
        ip saddr 10.0.0.1 counter packets 0 bytes 0 drop
       }
      }
      table ip6 e {
       chain c {
        type filter hook prerouting priority filter + 5; policy accept;
        ip6 saddr fd00::/9 drop
       }
      }"
    `)
    expect(nft.tables().map(({ name }) => name).sort()).toEqual(['a', 'b', 'd', 'e'])
  })

  test('keeps the clear out of an encrypted VNI', () => {
    const { path } = scratch()
    nftIn(path).replaceTable(encryptionGuard)
    expect(ruleset(path)).toMatchInlineSnapshot(`
      "table inet weft-guard {
       chain mark {
        type route hook output priority mangle; policy accept;
        udp dport 4789 meta l4proto udp @th,96,24 0xabcdef meta mark set 0x00d0c4e3
       }

       chain out {
        type filter hook postrouting priority filter; policy accept;
        meta mark 0x00d0c4e3 rt ipsec missing counter packets 0 bytes 0 drop
       }

       chain in {
        type filter hook input priority raw; policy accept;
        meta l4proto udp @th,96,24 0xabcdef meta ipsec missing counter packets 0 bytes 0 drop
       }
      }"
    `)
  })

  test('is replaced as a whole, and removed', () => {
    const { path } = scratch()
    const nft = nftIn(path)
    nft.replaceTable(table)
    nft.replaceTable({ ...table, chains: table.chains.slice(1) })
    expect(ruleset(path)).not.toContain('chain in ')
    expect(nft.tables()).toEqual([{ family: 'inet', name: 'weft-cut' }])
    expect(nft.deleteTable(table)).toBe(true)
    expect(nft.deleteTable(table)).toBe(false)
    expect(ruleset(path)).toBe('')
  })

  test('that is refused in one part is refused whole, and the old one stays', () => {
    const { path } = scratch()
    const nft = nftIn(path)
    nft.replaceTable(table)
    const before = ruleset(path)
    // Two chains of one name on different hooks.
    const chains = [input, { ...input, hook: 'forward' }] as const
    expect(() => nft.replaceTable({ ...table, chains })).toThrow(
      expect.objectContaining({
        code: 'ERR_KERNEL',
        details: expect.objectContaining({
          operation: 'replace nftables table',
          object: 'inet weft-cut',
        }),
      }),
    )
    expect(ruleset(path)).toBe(before)
  })

  test('that is larger than a usual send goes in one transaction', () => {
    const { path } = scratch()
    const nft = nftIn(path)
    const rules = Array.from({ length: 1500 }, (_, i) => ({
      matches: [{ on: 'udp-destination-port', port: i + 1 }] as const,
      counter: true,
      verdict: 'drop' as const,
    }))
    const chains = [{ ...input, rules }]
    nft.replaceTable({ ...table, chains })
    expect(nft.rules(table)).toHaveLength(1500)
  })

  test('carries comments up to their limit', () => {
    const { path } = scratch()
    const nft = nftIn(path)
    const replace = (comment: string): void => {
      const rules = [{ matches: [], counter: true, verdict: 'accept', comment }] as const
      nft.replaceTable({ ...table, chains: [{ ...input, rules }] })
    }
    const longest = 'x'.repeat(COMMENT_BYTES_MAX)
    replace(longest)
    expect(nft.rules(table)).toMatchObject([{ comment: longest }])
    expect(ruleset(path)).toContain(longest)
    expect(() => replace(longest + 'x')).toThrow(/bug/)
  })
})

test('a rule drops packets and counts them', async () => {
  const [a, b] = scratchPair()
  const nft = nftIn(b.path)
  const ping = Uint8Array.of(8, 0, 0xf7, 0xfe, 0, 0, 0, 1)
  let pongs = 0
  let next = Promise.withResolvers<void>()
  const socket = openRawSocket({ namespace: a.path, family: 4, protocol: 1 }, () => {
    pongs++
    next.resolve()
  })
  atEnd(() => socket.close())
  const send = (): unknown => socket.send(ping, parseIp('10.0.0.2'))
  send()
  await next.promise
  nft.replaceTable(table)
  next = Promise.withResolvers<void>()
  for (let i = 0; i < 3; i++) send()
  // Loopback of a veth is done when send returns, or soon after: read the counter until it is.
  while (nft.rules(table)[0]?.packets !== 3) await new Promise(setImmediate)
  expect(nft.rules(table)).toMatchObject([
    { chain: 'in', comment: 'cut a–b', packets: 3, bytes: 3 * 28 },
    { chain: 'in', comment: null, packets: null },
    { chain: 'in', packets: 0, bytes: 0 },
    { chain: 'out', packets: null },
  ])
  await socket.flush()
  expect(pongs).toBe(1)
  nft.deleteTable(table)
  send()
  await next.promise
  expect(pongs).toBe(2)
})

test('clear datagrams of an encrypted VNI neither come in nor go out; others do', () => {
  const [a, b] = scratchPair()
  const open = (namespace: string, ip: string): DatagramSocket => {
    const local = { ip: parseIp(ip), port: 4789 }
    const socket = openDatagramSocket({ namespace, local })
    atEnd(() => socket.close())
    return socket
  }
  const [from, to] = [open(a.path, '10.0.0.1'), open(b.path, '10.0.0.2')]
  const destinations = new Destinations()
  const destination = destinations.add(to.address)
  const sender = new DatagramSender({ socket: from, destinations, messagesMax: 8 })
  const memory = PinnedMemory.allocate(1000)
  const receiver = new DatagramReceiver({ memory, slots: [0], slotBytes: 1000 })
  const set = new PollSet()
  set.add(to.fd, 'readable')
  /** Which of some VNIs arrive; the last one is never guarded, and comes last. */
  const arriving = (): number[] => {
    for (const id of [0xabcdef, 0xabcdee, 0x1bcdef]) {
      const header = Uint8Array.of(8, 0, 0, 0, id >> 16, (id >> 8) & 0xff, id & 0xff, 0, 1)
      sender.queue(header, 0, header.length, 0, destination)
      sender.flush()
    }
    const got: number[] = []
    while (got.at(-1) !== 0x1bcdef) {
      expect(set.wait(5000)).toBe(1)
      expect(receiver.receive(to.fd)).toBe(1)
      got.push(u24(memory.bytes, 4))
    }
    return got
  }
  expect(arriving()).toEqual([0xabcdef, 0xabcdee, 0x1bcdef])
  nftIn(b.path).replaceTable(encryptionGuard)
  expect(arriving()).toEqual([0xabcdee, 0x1bcdef])
  expect(nftIn(b.path).rules(encryptionGuard)).toMatchObject([{}, {}, { packets: 1 }])
  nftIn(b.path).deleteTable(encryptionGuard)
  nftIn(a.path).replaceTable(encryptionGuard)
  expect(arriving()).toEqual([0xabcdee, 0x1bcdef])
  expect(nftIn(a.path).rules(encryptionGuard)).toMatchObject([{}, { packets: 1 }, {}])
})
