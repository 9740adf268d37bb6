/** Exchanges with a kernel that misbehaves: played by a second socket that speaks netlink. */
import { setU16le, setU32le } from '@weft/core'
import {
  DUMP_ATTEMPTS_MAX,
  isKernelError,
  MessageWriter,
  NetlinkSocket,
  sys,
  type MessageReader,
} from '../src/index.ts'
import { afterEach, describe, expect, test } from 'vitest'

/** NETLINK_USERSOCK: processes talk to each other in netlink. */
const USERSOCK = 2
const DUMP = 0x300
const MULTI = 2
const DUMP_INTR = 0x10
const DONE = 3
const ERROR = 2
const PART = 16

const opened: number[] = []

afterEach(() => {
  for (const fd of opened.splice(0)) sys.close(fd)
})

/** A socket under test whose kernel is us: what it asks is ignored, answers are queued before. */
function openRig(): { socket: NetlinkSocket; answer: (...messages: Uint8Array[]) => void } {
  const fake = sys.socket(16, 3, USERSOCK)
  const real = sys.socket(16, 3, USERSOCK)
  opened.push(fake, real)
  const fakeAddress = bindAny(fake)
  const realAddress = bindAny(real)
  expect(sys.connect(real, fakeAddress, 12)).toBe(0)
  expect(sys.connect(fake, realAddress, 12)).toBe(0)
  const answer = (...messages: Uint8Array[]): void => {
    const bytes = Buffer.concat(messages)
    expect(sys.sendto(fake, bytes, bytes.length, 0, null, 0)).toBe(bytes.length)
  }
  return { socket: new NetlinkSocket(real), answer }
}

function bindAny(fd: number): Uint8Array {
  const address = new Uint8Array(12)
  address[0] = 16
  expect(sys.bind(fd, address, 12)).toBe(0)
  expect(sys.getsockname(fd, address, Int32Array.of(12))).toBe(0)
  return address
}

interface Head {
  readonly type: number
  readonly flags: number
  readonly sequence: number
}

function message({ flags, sequence, type }: Head, ...words: number[]): Uint8Array {
  const bytes = new Uint8Array(16 + 4 * words.length)
  setU32le(bytes, 0, bytes.length)
  setU16le(bytes, 4, type)
  setU16le(bytes, 6, flags)
  setU32le(bytes, 8, sequence)
  words.forEach((word, i) => setU32le(bytes, 16 + 4 * i, word))
  return bytes
}

const part = (sequence: number, value: number, flags = 0): Uint8Array =>
  message({ type: PART, flags: MULTI | flags, sequence }, value)
const done = (sequence: number, flags = 0): Uint8Array =>
  message({ type: DONE, flags: MULTI | flags, sequence }, 0)

function request(): MessageWriter {
  const writer = new MessageWriter()
  writer.begin(PART, DUMP, 4)
  return writer
}

const attempt = { operation: 'list things', object: 'things' }
const value = (reader: MessageReader): number => reader.bytes[reader.from] ?? -1

describe('a dump', () => {
  test('puts parts together and passes over what belongs to earlier requests', () => {
    const { answer, socket } = openRig()
    answer(part(77, 9), part(1, 1))
    answer(part(1, 2), done(1))
    expect(socket.dump(request(), attempt, value)).toEqual([1, 2])
  })

  test.each(['a part', 'its end'])('is begun again when %s says it was interrupted', (where) => {
    const { answer, socket } = openRig()
    answer(part(1, 1, where === 'a part' ? DUMP_INTR : 0))
    answer(done(1, where === 'its end' ? DUMP_INTR : 0))
    answer(part(2, 5), part(2, 6), done(2))
    expect(socket.dump(request(), attempt, value)).toEqual([5, 6])
  })

  test('is begun again when a message was longer than the buffer', () => {
    const { answer, socket } = openRig()
    const long = message({ type: PART, flags: MULTI, sequence: 1 }, ...new Array<number>(20_000))
    answer(long)
    answer(done(1))
    const again = long.slice()
    setU32le(again, 8, 2)
    answer(again)
    answer(done(2))
    expect(socket.dump(request(), attempt, (reader) => reader.length)).toEqual([80_000])
  })

  test('is given up after so many attempts', () => {
    const { answer, socket } = openRig()
    for (let i = 1; i <= DUMP_ATTEMPTS_MAX; i++) answer(part(i, 1, DUMP_INTR), done(i))
    let caught: unknown
    try {
      socket.dump(request(), attempt, value)
    } catch (error) {
      caught = error
    }
    expect(isKernelError(caught, 'EINTR')).toBe(true)
    expect(caught).toMatchObject({ details: attempt })
  })

  test('ends with the error the kernel ended it with', () => {
    const { answer, socket } = openRig()
    answer(message({ type: ERROR, flags: 0, sequence: 1 }, -95, 0, 0, 0, 0))
    expect(() => socket.dump(request(), attempt, value)).toThrow(
      expect.objectContaining({
        details: { ...attempt, errno: 'EOPNOTSUPP', diagnostic: 'Operation not supported' },
      }),
    )
  })

  test('that gets no answer fails instead of waiting', () => {
    const { socket } = openRig()
    expect(() => socket.dump(request(), attempt, value)).toThrow(
      expect.objectContaining({ code: 'ERR_KERNEL' }),
    )
  })
})

describe('a batch', () => {
  const three = (): MessageWriter => {
    const writer = new MessageWriter()
    for (let i = 0; i < 3; i++) writer.begin(PART, 0, 4)
    return writer
  }
  const refusal = (sequence: number, code: number): Uint8Array =>
    message({ type: ERROR, flags: 0, sequence }, code, 0, 0, 0, 0)

  test('matches refusals to messages and ends with the acknowledgement of the last', () => {
    const { answer, socket } = openRig()
    answer(refusal(2, -17))
    answer(refusal(3, 0))
    const { count, faults } = socket.transact(three())
    expect(count).toBe(3)
    expect([...faults]).toEqual([[1, { errno: 'EEXIST', diagnostic: 'File exists' }]])
  })

  test('whose last message is refused has ended too', () => {
    const { answer, socket } = openRig()
    answer(refusal(3, -1))
    expect([...socket.transact(three()).faults.keys()]).toEqual([2])
  })

  test('whose answers were lost fails', () => {
    const { socket } = openRig()
    expect(() => socket.transact(three())).toThrow(expect.objectContaining({ code: 'ERR_KERNEL' }))
  })

  test('whose last answers were lost fails, even after refusals', () => {
    const { answer, socket } = openRig()
    answer(refusal(1, -1))
    expect(() => socket.transact(three())).toThrow(expect.objectContaining({ code: 'ERR_KERNEL' }))
    answer(refusal(4, -1))
    expect([...socket.transact(three(), { whole: true }).faults.keys()]).toEqual([0])
  })

  test('on a closed socket is a bug', () => {
    const { socket } = openRig()
    opened.pop()
    socket.close()
    socket.close()
    expect(() => socket.transact(three())).toThrow(/bug/)
  })

  test('passes over answers to other requests and to none of its messages', () => {
    const { answer, socket } = openRig()
    answer(refusal(900, -1), refusal(0, -1), refusal(3, 0))
    expect(socket.transact(three()).faults.size).toBe(0)
  })
})
