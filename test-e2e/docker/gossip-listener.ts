/**
 * A worker of a swarm that writes down all sealed gossip that it opens:
 * `gossip-listener MANAGER TOKEN NETWORK ADDRESS`. A JSON line for each text, with its key, and
 * `attached` when it is. When its input ends it tells its peers, leaves and ends. Its frames go
 * nowhere.
 */
import { parseIp, toHex, type Aead } from '@weft/core'
import { SimMachine, simBackend, simOptions } from '@weft/dataplane-sim'
import { nodeRuntime } from '@weft/runtime-node'
import { createNode } from '@weft/sdk'
import { once } from 'node:events'

/** What was opened: as it was on the wire, and what was in it. */
export interface OpenedText {
  readonly transport: 'datagram' | 'stream'
  readonly key: string
  readonly bytes: string
  readonly plain: string
}

/** A line of ours. */
export type ListenerLine =
  | { readonly kind: 'opened'; readonly opened: OpenedText }
  | { readonly kind: 'attached'; readonly address: string }
  | { readonly kind: 'peers'; readonly peers: readonly { name: string; address: string }[] }

/** Version of the envelope (docker-wire §2.2). */
const ENVELOPE_VERSION = '01'

const [manager = '', token = '', network = '', address = ''] = process.argv.slice(2)
const runtime = nodeRuntime()
const aead: Aead = {
  seal: (use, plain) => runtime.aead.seal(use, plain),
  open: (use, sealed) => {
    const plain = runtime.aead.open(use, sealed)
    if (plain === null) return null
    // Only a stream's header is authenticated; a datagram has none (docker-wire §2.2, §2.8).
    const header = toHex(use.associated)
    const bytes = header + ENVELOPE_VERSION + toHex(use.nonce) + toHex(sealed)
    const transport = header === '' ? 'datagram' : 'stream'
    tell({
      kind: 'opened',
      opened: { transport, key: toHex(use.key), bytes, plain: toHex(plain) },
    })
    return plain
  },
}
const mtuBytes = new Map([[parseIp(address), 1500]])
const machine = new SimMachine({ underlay: runtime.underlay, mtuBytes })
const dataplane = { backend: simBackend, options: simOptions(machine) }
await using node = await createNode({
  stateDirectory: null,
  dataplane,
  runtime: { ...runtime, aead },
})
const at = { listenAddress: address, advertiseAddress: address }
await node.join({ ...at, remoteAddresses: [manager], token })
const port = { present: true, deliver: () => undefined, connect: () => undefined }
const made = await node.networks.use(network).attach({ name: 'listener', port })
tell({ kind: 'attached', address: made.addresses[0] ?? '' })
await once(process.stdin.resume(), 'end')
const peers = node.cluster.peers().map((peer) => ({ name: peer.name, address: peer.address }))
tell({ kind: 'peers', peers })
await made.detach()
await node.leave()

function tell(line: ListenerLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}
