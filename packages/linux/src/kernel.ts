/** The kernel as seen from one namespace: its links, addresses, routes and tables. */
import { Addresses } from './addresses.ts'
import type { Attempt } from './errors.ts'
import { Forwarding } from './forwarding.ts'
import { Links } from './links.ts'
import type { MessageWriter } from './message-writer.ts'
import { NamespaceIds } from './namespace-ids.ts'
import { inNamespace, openNamespace, type NamespaceHandle } from './namespaces.ts'
import { Neighbours } from './neighbours.ts'
import { NetlinkSocket, type BatchOutcome, type TransactOptions } from './netlink-socket.ts'
import { Routes } from './routes.ts'
import { NETLINK } from './socket-numbers.ts'

/**
 * One rtnetlink socket in one namespace, and everything that goes over it. Synchronous: a request
 * takes about 20 µs. Invariant: the socket stays in its namespace wherever the thread is, so no
 * call here changes namespaces.
 */
export class Kernel implements Disposable {
  /** The namespace held open: its descriptor and identity. */
  readonly namespace: NamespaceHandle
  readonly links: Links
  readonly addresses: Addresses
  readonly routes: Routes
  readonly neighbours: Neighbours
  readonly forwarding: Forwarding
  readonly namespaceIds: NamespaceIds
  readonly #socket: NetlinkSocket

  private constructor(namespace: NamespaceHandle, socket: NetlinkSocket) {
    this.namespace = namespace
    this.#socket = socket
    this.links = new Links(socket)
    this.addresses = new Addresses(socket)
    this.routes = new Routes(socket)
    this.neighbours = new Neighbours(socket)
    this.forwarding = new Forwarding(socket)
    this.namespaceIds = new NamespaceIds(socket)
  }

  /** Open the namespace behind a path, or the current one. Throws ERR_KERNEL. */
  static open(path?: string): Kernel {
    const namespace = openNamespace(path)
    try {
      const openSocket = (): NetlinkSocket => NetlinkSocket.open(NETLINK.ROUTE)
      const socket = path === undefined ? openSocket() : inNamespace(namespace.fd, openSocket)
      return new Kernel(namespace, socket)
    } catch (error) {
      namespace.close()
      throw error
    }
  }

  /** Send a batch written with `write…` functions; tells each message's outcome. */
  transact(batch: MessageWriter, options?: TransactOptions): BatchOutcome {
    return this.#socket.transact(batch, options)
  }

  /** `transact`, where the first refusal is thrown as ERR_KERNEL of this attempt. */
  carryOut(batch: MessageWriter, attempt: Attempt): void {
    this.#socket.carryOut(batch, attempt)
  }

  /** Close the socket and let go of the namespace. Idempotent. */
  close(): void {
    this.#socket.close()
    this.namespace.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
