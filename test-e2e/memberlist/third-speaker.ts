/** Somebody who is no member, but has the keys: asks a node what it knows, and tells it lies. */
import { parseIp, type Ip } from '@weft/core'
import {
  encodePacketMessage,
  KeyRing,
  PacketCodec,
  StreamReader,
  wrapStreamMessage,
  type PacketMessage,
  type PushPull,
  type PushPullNode,
  type WrapOptions,
} from '@weft/gossip'
import { nodeAead, nodeEntropy } from '@weft/runtime-node'
import { createSocket } from 'node:dgram'
import { connect, isIPv4 } from 'node:net'

const ANSWER_WITHIN_MS = 5_000

/** Speaks to nodes at `ip:port` as one of their own. */
export class ThirdSpeaker {
  #options: WrapOptions

  /** The keys are those of the ring; none: in the clear. */
  constructor(keys: readonly Uint8Array[], { compress }: { readonly compress: boolean }) {
    const ports = { aead: nodeAead, entropy: nodeEntropy }
    this.#options = { label: '', keys: ringOf(keys), compress, ...ports }
  }

  /** The ring has other keys now. */
  useKeys(keys: readonly Uint8Array[]): void {
    this.#options = { ...this.#options, keys: ringOf(keys) }
  }

  /** Send one message, with a checksum as memberlist does. */
  async tell(address: string, message: PacketMessage): Promise<void> {
    const packet = new PacketCodec(this.#options).wrap([encodePacketMessage(message)], true)
    const { host, port } = splitAddress(address)
    const socket = createSocket(isIPv4(host) ? 'udp4' : 'udp6')
    await new Promise<void>((resolve, reject) => {
      socket.send(packet, port, host, (error) => (error === null ? resolve() : reject(error)))
    })
    socket.close()
  }

  /** Exchange state: what it knows of everyone, in return for these nodes. */
  exchange(address: string, nodes: readonly PushPullNode[] = []): Promise<PushPull> {
    const { host, port } = splitAddress(address)
    const question: PushPull = {
      kind: 'push-pull',
      join: false,
      nodes,
      userState: new Uint8Array(0),
    }
    return new Promise((resolve, reject) => {
      const reader = new StreamReader(this.#options)
      const socket = connect({ host, port, timeout: ANSWER_WITHIN_MS })
      const give = (error: Error): void => {
        socket.destroy()
        reject(error)
      }
      socket.on('error', give)
      socket.on('timeout', () => give(new Error(`${address} does not answer`)))
      socket.on('close', () => give(new Error(`${address} said too little: ${reader.fault}`)))
      socket.on('data', (bytes: Buffer) => {
        const answer = reader.push(new Uint8Array(bytes))
        if (answer?.kind === 'push-pull') {
          resolve(answer)
          socket.destroy()
        } else if (answer !== null) give(new Error(`${address} answers with ${answer.kind}`))
      })
      socket.write(wrapStreamMessage(this.#options, question))
    })
  }

  /** What the node at this address knows of one of that name. */
  async stateOf(name: string, address: string): Promise<PushPullNode> {
    const { nodes } = await this.exchange(address)
    const found = nodes.find((node) => node.name === name)
    if (found === undefined) throw new Error(`${address} does not know ${name}`)
    return found
  }
}

function ringOf(keys: readonly Uint8Array[]): KeyRing {
  return new KeyRing(keys.map((bytes, i) => ({ tag: `key ${i}`, bytes })))
}

/** `ip:port` in two. */
export function splitAddress(address: string): { readonly host: Ip; readonly port: number } {
  const at = address.lastIndexOf(':')
  const host = parseIp(address.slice(0, at).replace(/^\[(.*)\]$/, '$1'))
  return { host, port: Number(address.slice(at + 1)) }
}
