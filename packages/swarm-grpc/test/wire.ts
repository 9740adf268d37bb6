/** A wire between two sockets that can go dead without either side hearing of it. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** Passes bytes on to a port of this machine, until it is cut. */
export class Wire implements AsyncDisposable {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #isCut = false

  private constructor(server: Server, to: number) {
    this.#server = server
    server.on('connection', (near) => {
      const far = connect({ host: '127.0.0.1', port: to })
      this.#pass(near, far)
      this.#pass(far, near)
    })
  }

  static async open(to: number): Promise<Wire> {
    const server = createServer()
    const wire = new Wire(server, to)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return wire
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** From now on nothing comes through, neither bytes nor ends, and nobody is told. */
  cut(): void {
    this.#isCut = true
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  #pass(from: Socket, to: Socket): void {
    this.#sockets.add(from)
    from.on('error', () => undefined)
    from.on('data', (bytes) => {
      if (!this.#isCut) to.write(bytes)
    })
    from.on('close', () => {
      if (!this.#isCut) to.destroy()
    })
  }
}
