/** What a container's kernel makes of announcements. */
import { execFile, execFileSync } from 'node:child_process'
import { parseMac, type Mac } from '@weft/core'
import type { RemoteEndpoint } from '@weft/dataplane'
import { expect, test } from 'vitest'
import {
  atEnd,
  desired,
  failuresOf,
  hosts,
  local,
  network,
  remote,
  scratch,
  subnet,
  type TestHost,
} from './world.ts'

const ADDRESSES = ['10.0.1.3', 'fd00:1::3'] as const
const C2 = remote('n2', ...ADDRESSES)
const OTHER = parseMac('02:42:0a:00:01:63')
/** A machine that is busy takes its time; a kernel that is not told, half a minute. */
const PATIENCE = { timeout: 10_000, interval: 50 }

interface Container {
  /** Have these remote endpoints and no others. */
  apply(remotes: Readonly<Record<string, RemoteEndpoint>>): Promise<void>
  /** Begin to ping C2's addresses, and go on. */
  ping(): void
  /** The MACs that it has for them; null where it knows none. */
  known(): (Mac | null)[]
}

async function container(): Promise<Container> {
  const [host] = hosts(1) as [TestHost]
  const [path, dataplane] = [scratch(), await host.open()]
  const inside = [`--net=${path}`]
  return {
    async apply(remotes) {
      const blue = network([subnet(4097, '10.0.1.0/24', 'fd00:1::/64')], {
        local: { c1: local(path, '10.0.1.2', 'fd00:1::2') },
        remote: remotes,
      })
      expect(failuresOf(await dataplane.apply(desired(host, { blue })))).toEqual([])
    },
    ping() {
      for (const address of ADDRESSES) {
        const pings = execFile('nsenter', [...inside, 'ping', '-i', '0.2', address])
        atEnd(() => void pings.kill())
      }
    },
    known() {
      const words = [...inside, 'ip', '-json', 'neigh']
      const told = execFileSync('nsenter', words, { encoding: 'utf8' })
      const entries = JSON.parse(told) as { readonly dst: string; readonly lladdr?: string }[]
      return ADDRESSES.map((ip) => {
        const mac = entries.find(({ dst }) => dst === ip)?.lladdr
        return mac === undefined ? null : parseMac(mac)
      })
    },
  }
}

test('an address that has another MAC by now, also after it was away', async () => {
  const c1 = await container()
  await c1.apply({ c2: C2 })
  c1.ping()
  await expect.poll(c1.known, PATIENCE).toEqual([C2.mac, C2.mac])
  await c1.apply({ c2: { ...C2, mac: OTHER } })
  await expect.poll(c1.known, PATIENCE).toEqual([OTHER, OTHER])
  await c1.apply({})
  await c1.apply({ c2: C2 })
  await expect.poll(c1.known, PATIENCE).toEqual([C2.mac, C2.mac])
})
