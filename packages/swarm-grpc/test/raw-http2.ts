/** A client that keeps to no limit: HTTP/2 frames written by hand (RFC 9113, RFC 7541). */
import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const [HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY] = [1, 3, 4, 6, 7]
const [ACK, END_HEADERS] = [1, 4]
/** The method, the scheme and the names of the path, the authority and the type of content. */
const [POST, HTTPS, PATH, AUTHORITY, CONTENT_TYPE] = [0x83, 0x87, 0x04, 0x01, 0x5f]

/** What came back. */
export interface RawAnswers {
  /** Streams that were reset, with the code. */
  readonly reset: Map<number, number>
  /** Streams with headers. */
  readonly answered: Set<number>
  pings: number
  isOver: boolean
}

/** How to connect. Settings of the other side bind a client that `acknowledges` them. */
export interface RawOptions {
  readonly cert?: string
  readonly key?: string
  readonly acknowledges?: boolean
}

/** An open connection. */
export class RawHttp2 {
  readonly answers: RawAnswers = {
    reset: new Map(),
    answered: new Set(),
    pings: 0,
    isOver: false,
  }
  readonly #socket: TLSSocket
  #rest: Buffer = Buffer.alloc(0)
  #news = Promise.withResolvers<void>()

  private constructor(socket: TLSSocket) {
    this.#socket = socket
    socket.on('error', () => undefined)
    socket.on('data', (bytes: Buffer) => this.#take(bytes))
    socket.once('close', () => {
      this.answers.isOver = true
      this.#tell()
    })
  }

  static async open(port: number, options: RawOptions = {}): Promise<RawHttp2> {
    const { acknowledges = true, ...identity } = options
    const socket = connect({
      ...{ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['h2'] },
      ...identity,
    })
    const raw = new RawHttp2(socket)
    await once(socket, 'secureConnect')
    const ack = acknowledges ? frame({ type: SETTINGS, flags: ACK }) : Buffer.alloc(0)
    socket.write(Buffer.concat([PREFACE, frame({ type: SETTINGS }), ack]))
    return raw
  }

  /** Begin a call, and send nothing of its message. */
  call(stream: number, path: string, headers: Readonly<Record<string, string>> = {}): void {
    const lines = [
      Buffer.of(POST, HTTPS),
      literal(PATH, path),
      literal(AUTHORITY, 'manager'),
      literal(CONTENT_TYPE, 'application/grpc'),
      ...Object.entries(headers).map(([name, value]) => {
        return Buffer.concat([Buffer.of(0), text(name), text(value)])
      }),
    ]
    const head = { type: HEADERS, flags: END_HEADERS, stream }
    this.#socket.write(frame(head, Buffer.concat(lines)))
  }

  /** Resolves when the other side has read everything so far, or has ended it. */
  async read(): Promise<void> {
    const { pings } = this.answers
    this.#socket.write(frame({ type: PING }, Buffer.alloc(8)))
    await this.until((answers) => answers.pings > pings || answers.isOver)
  }

  /** Resolves once something holds of what came back. */
  async until(holds: (answers: RawAnswers) => boolean): Promise<void> {
    while (!holds(this.answers)) await this.#news.promise
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes])
    while (this.#rest.length >= 9) {
      const length = this.#rest.readUIntBE(0, 3)
      if (this.#rest.length < 9 + length) return
      const stream = this.#rest.readUInt32BE(5)
      this.#see(this.#rest[3] ?? 0, stream, this.#rest.subarray(9, 9 + length))
      this.#rest = this.#rest.subarray(9 + length)
    }
  }

  #see(type: number, stream: number, payload: Buffer): void {
    if (type === RST_STREAM) this.answers.reset.set(stream, payload.readUInt32BE(0))
    else if (type === HEADERS) this.answers.answered.add(stream)
    else if (type === PING) this.answers.pings++
    else if (type === GOAWAY) this.answers.isOver = true
    this.#tell()
  }

  #tell(): void {
    this.#news.resolve()
    this.#news = Promise.withResolvers()
  }
}

interface FrameHead {
  readonly type: number
  readonly flags?: number
  readonly stream?: number
}

function frame({ type, flags = 0, stream = 0 }: FrameHead, payload = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** A line whose name is in the static table. */
function literal(name: number, value: string): Buffer {
  return Buffer.concat([Buffer.of(name), text(value)])
}

/** Without Huffman's code; lengths from 127 on go on in bytes of seven bits. */
function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  if (bytes.length < 127) return Buffer.concat([Buffer.of(bytes.length), bytes])
  const length = [127]
  let rest = bytes.length - 127
  for (; rest >= 128; rest >>= 7) length.push((rest & 127) | 128)
  return Buffer.concat([Buffer.of(...length, rest), bytes])
}
