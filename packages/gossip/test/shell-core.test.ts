import type { Instant, SocketAddress, StreamHandler } from '@weft/core'
import { beforeEach, describe, expect, test } from 'vitest'
import { openShell, type Shell } from '../src/gossip-shell.ts'
import type { GossipOutput, StreamId } from '../src/output.ts'
import { PORT_ATTEMPTS_MAX } from '../src/shell-sockets.ts'
import { address, NotedPorts, NotedStream, ScriptedCore } from './shell-ports.ts'

const LOCAL = address('10.0.0.1', 7946)
const PEER = address('10.0.0.2', 7946)
const id = (n: number): StreamId => n as StreamId
const at = (ms: number): Instant => ms as Instant

let ports: NotedPorts
let core: ScriptedCore
let shell: Shell<ScriptedCore>
beforeEach(async () => {
  ports = new NotedPorts()
  core = new ScriptedCore()
  shell = await openShell(LOCAL, ports, () => core)
  ports.take()
})

describe('opening', () => {
  test('binds one port for both, then makes the core', async () => {
    ports.freePorts = [5000]
    const made: [Instant, SocketAddress][] = []
    const opened = await openShell(address('10.0.0.1', 0), ports, (now, bound) => {
      made.push([now, bound])
      ports.notes.push('make')
      return core
    })
    expect(ports.take()).toEqual(['listen 5000', 'bind 10.0.0.1:5000', 'make'])
    expect(made).toEqual([[0, address('10.0.0.1', 5000)]])
    expect(opened.local).toEqual(address('10.0.0.1', 5000))
  })

  test('does at once what a new core asks for', async () => {
    core.outputs = [packet(1)]
    core.deadline = at(5)
    core.onTick = () => (core.deadline = null)
    await openShell(LOCAL, ports, () => core)
    expect(ports.take().at(-1)).toBe('send 01 7946')
    await ports.clock.advance(5)
    expect(core.take()).toEqual(['5 tick'])
  })

  test('looks for a port that is free for both', async () => {
    ports.freePorts = [5000, 5001, 5002]
    ports.takenPorts.add(5000).add(5001)
    const opened = await openShell(address('10.0.0.1', 0), ports, () => core)
    expect(opened.local.port).toBe(5002)
    const given = ['listen 5000', 'close listener', 'listen 5001', 'close listener']
    expect(ports.take()).toEqual([...given, 'listen 5002', 'bind 10.0.0.1:5002'])
  })

  test(`looks PORT_ATTEMPTS_MAX = ${PORT_ATTEMPTS_MAX} times`, async () => {
    const portsFrom = (first: number): number[] => {
      return Array.from({ length: PORT_ATTEMPTS_MAX + 1 }, (_, i) => first + i)
    }
    ports.freePorts = portsFrom(5000)
    for (const port of ports.freePorts.slice(0, PORT_ATTEMPTS_MAX - 1)) ports.takenPorts.add(port)
    await openShell(address('10.0.0.1', 0), ports, () => core)
    ports.freePorts = portsFrom(6000)
    for (const port of ports.freePorts.slice(0, PORT_ATTEMPTS_MAX)) ports.takenPorts.add(port)
    const failed = openShell(address('10.0.0.1', 0), ports, () => core)
    await expect(failed).rejects.toMatchObject({ code: 'ERR_ADDRESS_IN_USE' })
    expect(ports.take().at(-1)).toBe('close listener')
  })

  test('does not look further when the port is given', async () => {
    ports.takenPorts.add(7946)
    const failed = openShell(LOCAL, ports, () => core)
    await expect(failed).rejects.toMatchObject({ code: 'ERR_ADDRESS_IN_USE' })
    expect(ports.take()).toEqual(['listen 7946', 'close listener'])
  })

  test('leaves nothing open when the core cannot be made', async () => {
    const failed = openShell(LOCAL, ports, () => {
      throw new Error('no name')
    })
    await expect(failed).rejects.toThrow('no name')
    expect(ports.take().slice(2).sort()).toEqual(['close listener', 'close socket'])
  })

  test('turns away what comes before there is a core', async () => {
    await openShell(LOCAL, ports, () => {
      ports.onDatagram(Uint8Array.of(1), PEER)
      ports.accept(new NotedStream(PEER, ports.notes)).onBytes(Uint8Array.of(1))
      return core
    })
    expect(core.take()).toEqual([])
    expect(ports.take()).toContain('close 10.0.0.2:7946')
  })
})

describe('inputs', () => {
  test('are told with the time, and what follows from them is done', async () => {
    await ports.clock.advance(7)
    core.outputs = [packet(9)]
    ports.onDatagram(Uint8Array.of(1, 2), PEER)
    expect(core.take()).toEqual(['7 receive 0102 7946'])
    expect(ports.take()).toEqual(['send 09 7946'])
  })

  test('of an accepted stream', () => {
    const handler = accept(3)
    core.outputs = [write(3, 5)]
    handler.onBytes(Uint8Array.of(6))
    expect(ports.take()).toEqual(['write 05'])
    handler.onEnd(true)
    expect(core.take()).toEqual(['0 accept 7946', '0 received 3 06', '0 ended 3 cleanly'])
    expect(ports.take()).toEqual(['close 10.0.0.2:7946'])
  })

  test('are not of a stream that the core refuses', () => {
    core.nextStream = null
    const handler = ports.accept(new NotedStream(PEER, ports.notes))
    handler.onBytes(Uint8Array.of(1))
    handler.onEnd(false)
    expect(core.take()).toEqual(['0 accept 7946'])
    expect(ports.take()).toEqual(['close 10.0.0.2:7946'])
  })

  test('end a stream: an answer may still follow, later nothing is written', () => {
    const handler = accept(3)
    core.outputs = [write(3, 5)]
    handler.onEnd(true)
    expect(ports.take()).toEqual(['write 05', 'close 10.0.0.2:7946'])
    core.outputs = [write(3, 6), { kind: 'stream-close', stream: id(3) }]
    shell.pump()
    expect(ports.take()).toEqual([])
  })
})

describe('outputs', () => {
  test('open, write and close streams, in order', () => {
    core.outputs = [
      { kind: 'stream-open', stream: id(1), to: PEER },
      write(1, 1),
      { kind: 'stream-open', stream: id(2), to: LOCAL },
      write(2, 2),
      { kind: 'stream-close', stream: id(1) },
      packet(3),
    ]
    shell.pump()
    expect(ports.take()).toEqual([
      'connect 10.0.0.1 10.0.0.2:7946',
      'write 01',
      'connect 10.0.0.1 10.0.0.1:7946',
      'write 02',
      'close 10.0.0.2:7946',
      'send 03 7946',
    ])
  })

  test('of a stream of ours come back under its name', () => {
    core.outputs = [{ kind: 'stream-open', stream: id(8), to: PEER }]
    shell.pump()
    const [handler] = ports.handlers
    handler?.onBytes(Uint8Array.of(4))
    handler?.onEnd(false)
    expect(core.take()).toEqual(['0 received 8 04', '0 ended 8 badly'])
  })

  test('that follow from outputs are done in the same turn', () => {
    const drain = core.drain.bind(core)
    let turns = 0
    core.drain = () => {
      if (turns++ < 2) core.outputs.push(packet(turns))
      // A core may be called, and its caller pump, while outputs are being done.
      shell.pump()
      return drain()
    }
    shell.pump()
    expect(ports.take()).toEqual(['send 01 7946', 'send 02 7946'])
  })
})

describe('the timer', () => {
  test('wakes the core at its deadline, and follows it', async () => {
    core.deadline = at(10)
    core.onTick = () => {
      core.deadline = core.deadline === 10 ? at(30) : null
      core.outputs = [packet(1)]
    }
    shell.pump()
    await ports.clock.advance(100)
    expect(core.take()).toEqual(['10 tick', '30 tick'])
    expect(ports.take()).toEqual(['send 01 7946', 'send 01 7946'])
    expect(ports.clock.pending).toBe(0)
  })

  test('is set anew for an earlier deadline, and not for a later one', async () => {
    core.deadline = at(20)
    shell.pump()
    core.deadline = at(10)
    ports.onDatagram(Uint8Array.of(1), PEER)
    core.deadline = at(50)
    ports.onDatagram(Uint8Array.of(2), PEER)
    core.take()
    await ports.clock.advance(49)
    // Too early by 40 ms, once: cheaper than a new timer for each datagram.
    expect(core.take()).toEqual(['10 tick'])
    core.onTick = () => (core.deadline = null)
    await ports.clock.advance(1)
    expect(core.take()).toEqual(['50 tick'])
  })

  test('is off when there is nothing to wait for', () => {
    core.deadline = at(20)
    shell.pump()
    expect(ports.clock.pending).toBe(1)
    core.deadline = null
    shell.pump()
    expect(ports.clock.pending).toBe(0)
  })
})

describe('closing', () => {
  test('ends streams and sockets, and the core hears no more', async () => {
    const handler = accept(1)
    core.outputs = [{ kind: 'stream-open', stream: id(2), to: LOCAL }]
    core.deadline = at(5)
    shell.pump()
    ports.take()
    core.take()
    const closing = shell.close()
    await Promise.all([closing, shell.close(), shell[Symbol.asyncDispose]()])
    const streams = ['close 10.0.0.1:7946', 'close 10.0.0.2:7946']
    expect(ports.take().sort()).toEqual([...streams, 'close listener', 'close socket'])
    core.outputs = [packet(1)]
    shell.pump()
    ports.onDatagram(Uint8Array.of(1), PEER)
    ports.accept(new NotedStream(PEER, ports.notes)).onEnd(true)
    await ports.clock.advance(10)
    expect(core.take()).toEqual([])
    expect(ports.take()).toEqual(['close 10.0.0.2:7946'])
    expect(handler).toBeDefined()
  })
})

function packet(byte: number): GossipOutput {
  return { kind: 'packet', to: PEER, bytes: Uint8Array.of(byte) }
}

function write(stream: number, byte: number): GossipOutput {
  return { kind: 'stream-write', stream: id(stream), bytes: Uint8Array.of(byte) }
}

/** A stream that the peer opened and the core took under this name. */
function accept(stream: number): StreamHandler {
  core.nextStream = stream
  return ports.accept(new NotedStream(PEER, ports.notes))
}
