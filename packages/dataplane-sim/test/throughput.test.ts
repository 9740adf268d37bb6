/** The simulation is fast enough for demonstrations: a modelled transfer of 64 MiB. */
import { parseCidr, parseIp, parseMac, vni } from '@weft/core'
import type { NetworkSpec } from '@weft/dataplane'
import { SimLab } from '../src/lab/index.ts'
import { udpFrame } from '@weft/wire'
import { expect, test } from 'vitest'

const TRANSFER_BYTES = 64 * 1024 * 1024
const PAYLOAD_BYTES = 1400
const WINDOW = 512

test('64 MiB in full frames arrive, every one', async () => {
  const lab = new SimLab({ underlay: 4, underlayMtuBytes: 1500 })
  const [a, b] = [await lab.node('a'), await lab.node('b')]
  const face1 = { mac: parseMac('02:42:0a:00:01:02'), addresses: [parseIp('10.0.1.2')] }
  const face2 = { mac: parseMac('02:42:0a:00:01:03'), addresses: [parseIp('10.0.1.3')] }
  const [c1, c2] = [await a.endpoint('c1', face1), await b.endpoint('c2', face2)]
  const base = {
    encapsulation: 'vxlan',
    mtu: null,
    subnets: [{ vni: vni(4097), prefixes: [{ cidr: parseCidr('10.0.1.0/24'), gateway: null }] }],
  } as const
  const sides = [
    { node: a, peer: b, here: c1, there: face2 },
    { node: b, peer: a, here: c2, there: face1 },
  ] as const
  for (const { node, peer, here, there } of sides) {
    const local = new Map([['here', { ...face(here), attachment: here.attachment }]])
    const remote = new Map([['there', { ...there, node: 'peer' }]])
    const network: NetworkSpec = { ...base, local, remote }
    const report = await node.dataplane.apply({
      generation: 1,
      tunnel: node.tunnel,
      peers: new Map([['peer', { tunnel: peer.tunnel }]]),
      networks: new Map([['blue', network]]),
    })
    expect(report.failures).toEqual([])
  }
  const frame = udpFrame(
    {
      sourceMac: face1.mac,
      destinationMac: face2.mac,
      source: parseIp('10.0.1.2'),
      destination: parseIp('10.0.1.3'),
    },
    { sourcePort: 1, destinationPort: 2, payload: new Uint8Array(PAYLOAD_BYTES) },
  )
  const frames = Math.ceil(TRANSFER_BYTES / PAYLOAD_BYTES)
  let arrived = 0
  c2.card.onFrame = () => {
    arrived++
  }
  for (let sent = 0; sent < frames;) {
    for (let i = 0; i < WINDOW && sent < frames; i++, sent++) c1.card.send(frame)
    await lab.advance(1)
  }
  await lab.advance(1)
  expect(arrived).toBe(frames)
  expect((await a.dataplane.counters()).transmitted).toBe(frames)
  expect(await lab.close()).toEqual({ leaked: [] })
})

function face({
  mac,
  addresses,
}: {
  mac: ReturnType<typeof parseMac>
  addresses: readonly ReturnType<typeof parseIp>[]
}) {
  return { mac, addresses }
}
