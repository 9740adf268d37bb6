/** Hearing of what others do, on the poll thread. */
import { spawnSync } from 'node:child_process'
import { parseInterfaceAddress, parseIp, parseMac, vni } from '@weft/core'
import { FAILURES_MAX, IDLE_MS } from '../src/poll-protocol.ts'
import {
  errno,
  MessageWriter,
  MONITOR_BUFFER_BYTES,
  openMonitor,
  OUTSTANDING_BYTES_MAX,
  sys,
  watchSocket,
  writeForwarding,
  type MonitorTopic,
  type Notice,
  type Watch,
} from '../src/index.ts'
import { describe, expect, test } from 'vitest'
import { atEnd, openFds, run, scratch } from './scratch.ts'

const mac = parseMac('02:42:0a:00:00:07')
const destination = parseIp('192.168.1.2')

interface Heard {
  readonly watch: Watch
  readonly notices: Notice[]
  overruns: number
}

function listen(namespace: string | number, topics: readonly MonitorTopic[]): Heard {
  const notices: Notice[] = []
  const watch = openMonitor(
    { namespace, topics },
    {
      changed: (read) => void notices.push(...read()),
      overrun: () => {
        heard.overruns++
      },
      failed: (fault) => {
        throw new Error(fault.diagnostic)
      },
    },
  )
  const heard = { watch, notices, overruns: 0 }
  atEnd(() => watch.close())
  return heard
}

function withVxlan(): ReturnType<typeof scratch> & { linkIndex: number } {
  const made = scratch()
  const vxlan = { vni: vni(4096), port: 4789, learning: false }
  const spec = { kind: 'vxlan', name: 'vx0', vxlan, up: true } as const
  return { ...made, linkIndex: made.kernel.links.create(spec) }
}

describe('a monitor', () => {
  test('hears of entries deleted and changed behind our back', async () => {
    const { kernel, linkIndex, name, path } = withVxlan()
    kernel.forwarding.apply('create', { linkIndex, mac, table: 'self', destination })
    const { notices, watch } = listen(path, ['neighbours'])
    run(`bridge -n ${name} fdb del ${mac} dev vx0 dst ${destination} self`)
    run(`ip -n ${name} neigh add 10.0.0.9 lladdr ${mac} dev vx0 nud permanent`)
    await watch.flush()
    expect(notices).toContainEqual({
      about: 'forwarding',
      gone: true,
      entry: expect.objectContaining({ linkIndex, mac, destination, table: 'self' }),
    })
    expect(notices).toContainEqual({
      about: 'neighbour',
      gone: false,
      neighbour: expect.objectContaining({ ip: '10.0.0.9', mac }),
    })
  })

  test('hears only of its topics, and of each of them', async () => {
    const { kernel, path } = scratch()
    const other = scratch()
    const topics = ['links', 'addresses', 'routes', 'namespace-ids'] as const
    const heard = listen(path, topics)
    const deaf = listen(path, ['neighbours'])
    const linkIndex = kernel.links.create({ kind: 'bridge', name: 'br0', up: true })
    const address = parseInterfaceAddress('10.0.0.1/24')
    kernel.addresses.apply('create', { linkIndex, address })
    const id = kernel.namespaceIds.assign(other.kernel.namespace.fd)
    kernel.links.delete(linkIndex)
    await heard.watch.flush()
    await deaf.watch.flush()
    expect(heard.notices).toEqual(
      expect.arrayContaining([
        { about: 'link', gone: false, link: expect.objectContaining({ name: 'br0' }) },
        { about: 'address', gone: false, address: expect.objectContaining({ address }) },
        { about: 'route', gone: false, route: expect.objectContaining({ linkIndex }) },
        { about: 'namespace-id', gone: false, id },
        { about: 'link', gone: true, link: expect.objectContaining({ index: linkIndex }) },
      ]),
    )
    // A new bridge has forwarding entries of its own.
    expect(deaf.notices.filter((n) => !['neighbour', 'forwarding'].includes(n.about))).toEqual([])
  })

  test('hears only of its namespace; sixteen share one thread', async () => {
    const worlds = Array.from({ length: 16 }, () => scratch())
    const heard = worlds.map(({ kernel }) => listen(kernel.namespace.fd, ['links']))
    worlds.forEach(({ kernel }, i) => void kernel.links.create({ kind: 'bridge', name: `br${i}` }))
    for (const { watch } of heard) await watch.flush()
    heard.forEach(({ notices }, i) => {
      const names = notices.flatMap((n) => (n.about === 'link' ? [n.link.name] : []))
      expect([...new Set(names)]).toEqual([`br${i}`])
    })
  })

  test('of a torrent hears everything, or says that it did not', async () => {
    const { kernel, linkIndex, path } = withVxlan()
    const heard = listen(path, ['neighbours'])
    const batch = new MessageWriter()
    // Enough to overflow whatever buffer the kernel grants, while this thread does not read.
    const each = 10_000
    for (let round = 0; round < 8; round++) {
      batch.clear()
      for (let i = 0; i < each; i++) {
        const hex = (i + each * round).toString(16).padStart(6, '0').match(/../g) ?? []
        const mac = parseMac(`02:42:00:${hex.join(':')}`)
        writeForwarding(batch, 'create', { linkIndex, mac, table: 'self', destination })
      }
      expect(kernel.transact(batch).faults.size).toBe(0)
    }
    await heard.watch.flush()
    const created = heard.notices.filter(({ about }) => about === 'forwarding').length
    expect(created === 8 * each || heard.overruns > 0).toBe(true)
    // After an overrun it goes on hearing.
    heard.notices.length = 0
    kernel.forwarding.apply('create', { linkIndex, mac, table: 'self', destination })
    await heard.watch.flush()
    expect(heard.notices).toHaveLength(1)
    expect(MONITOR_BUFFER_BYTES).toBeLessThan(OUTSTANDING_BYTES_MAX)
  })

  test('closed is silent, gives its descriptor back, and may be closed again', async () => {
    const { kernel, path } = scratch()
    await listen(path, ['links']).watch.close()
    const before = openFds()
    const heard = listen(path, ['links'])
    expect(openFds()).toBe(before + 1)
    await heard.watch.close()
    expect(openFds()).toBe(before)
    kernel.links.create({ kind: 'bridge', name: 'br0' })
    await heard.watch.close()
    await heard.watch.flush()
    expect(heard.notices).toEqual([])
  })
})

describe('a descriptor that can only fail', () => {
  test('is let go after so many failures, and can still be closed', async () => {
    // An eventfd is readable for poll, and is no socket.
    const fd = sys.eventfd(1, 0)
    const codes: number[] = []
    const watch = watchSocket({
      fd,
      bytesMax: 1,
      onBatch: () => undefined,
      onFailure: (code) => void codes.push(code),
    })
    while (codes.length < FAILURES_MAX) await watch.flush()
    await watch.flush()
    expect(codes).toEqual(new Array(FAILURES_MAX).fill(88))
    await watch.close()
    expect(sys.close(fd)).toBe(-errno.EBADF)
  })
})

describe('a process with a monitor', () => {
  const script = (last: string): string =>
    `import { writeSync } from 'node:fs'
     import { openMonitor } from '@weft/linux'
     process.on('exit', () => writeSync(1, String(Date.now())))
     const none = () => undefined
     const listener = { changed: none, overrun: none, failed: none }
     const watch = openMonitor({ topics: ['links'] }, listener)
     ${last}`

  test.each([
    ['has nothing else to do', '', 0],
    ['calls process.exit', 'process.exit(3)', 3],
    ['calls process.exit once the thread waits', 'await watch.flush(); process.exit(4)', 4],
    ['awaits a flush and a close', 'await watch.flush(); await watch.close()', 0],
    ['dies of an exception', 'throw new Error("end")', 1],
  ])('that %s ends at once', (_, last, status) => {
    const args = ['--conditions=@weft/source', '--input-type=module', '-e', script(last)]
    const cwd = new URL('..', import.meta.url).pathname
    const ended = spawnSync(process.execPath, args, { cwd, encoding: 'utf8', timeout: 25_000 })
    expect(ended.signal).toBeNull()
    expect(ended.status, ended.stderr).toBe(status)
    // From its last breath to its end. Unwoken, the thread would sleep on for IDLE_MS.
    expect(Date.now() - Number(ended.stdout)).toBeLessThan(IDLE_MS / 2)
  })
})
