/** A daemon that is ended in the middle of anything leaves all of it or nothing, here and there. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { parseInterfaceAddress } from '@weft/core'
import { createNamespace, deleteNamespace, Kernel, namespacePath } from '@weft/linux'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DaemonPlace, type StartedDaemon } from './daemon-process.ts'

/** The signal comes some ms after the request: before, within and after what takes its time. */
const ENDINGS = [
  ['SIGTERM', 2],
  ['SIGKILL', 15],
  ['SIGTERM', 40],
  ['SIGKILL', 100],
] as const
const PATIENCE = { timeout: 20_000, interval: 20 }
const LIMIT_MS = 60_000

const directory = mkdtempSync(join(tmpdir(), 'weftd-'))
const names = { a: `weftd-a-${process.pid}`, b: `weftd-b-${process.pid}` }
const container = `weftd-c-${process.pid}`
const addresses = { a: '10.66.0.1', b: '10.66.0.2' } as const
const placeOf = (which: string): DaemonPlace => new DaemonPlace(join(directory, which))
const places = { a: placeOf('a'), b: placeOf('b') }

async function up(which: 'a' | 'b'): Promise<StartedDaemon> {
  const entering = ['nsenter', `--net=${namespacePath({ name: names[which] })}`, '--']
  const daemon = places[which].start({ entering, words: ['--instance', names[which]] })
  await daemon.ready
  return daemon
}

/** Ask for something, and end the daemon some ms later, whatever became of it. */
async function endDuring(
  daemon: StartedDaemon,
  { signal, ms }: { readonly signal: NodeJS.Signals; readonly ms: number },
  ask: () => Promise<unknown>,
): Promise<void> {
  const asked = ask().catch(() => undefined)
  // Not a wait for something: the instant is what is tried.
  await setTimeout(ms)
  daemon.child.kill(signal)
  expect(await daemon.ended).toBe(signal === 'SIGTERM' ? 0 : null)
  await asked
}

function end(daemon: StartedDaemon): Promise<number | null> {
  daemon.child.kill('SIGTERM')
  return daemon.ended
}

const stateOf = async (which: 'a' | 'b'): Promise<string> =>
  (await places[which].client.status()).state

/** Files of the state directory besides the record of the node itself. */
function files(which: 'a' | 'b'): string[] {
  const all = readdirSync(places[which].state, { recursive: true, encoding: 'utf8' })
  return all.filter((name) => name !== 'agent' && !name.startsWith('node.db')).sort()
}

/** Devices in a namespace that the test has not made. */
function devices(name: string): string[] {
  using kernel = Kernel.open(namespacePath({ name }))
  const links = kernel.links.list().map((link) => link.name)
  return links.filter((one) => one !== 'lo' && one !== 'up0').sort()
}

/** Namespaces that a daemon made for its networks. */
const ofNetworks = (): string[] =>
  readdirSync('/run/netns').filter((name) => name.includes(names.b) && name !== names.b)

beforeAll(() => {
  for (const name of [names.a, names.b, container]) createNamespace({ name })
  using a = Kernel.open(namespacePath({ name: names.a }))
  using b = Kernel.open(namespacePath({ name: names.b }))
  const peer = { name: 'up0', namespaceFd: b.namespace.fd }
  a.links.create({ kind: 'veth', name: 'up0', peer })
  for (const [kernel, ip] of [[a, addresses.a], [b, addresses.b]] as const) {
    kernel.links.change('lo', { up: true })
    kernel.links.change('up0', { up: true })
    const linkIndex = kernel.links.require('up0').index
    kernel.addresses.apply('create', { linkIndex, address: parseInterfaceAddress(`${ip}/24`) })
  }
})

afterAll(() => {
  for (const place of Object.values(places)) place.killAll()
  for (const name of [...ofNetworks(), names.a, names.b, container]) deleteNamespace({ name })
  rmSync(directory, { recursive: true, force: true })
})

test.each(ENDINGS)('init, ended by %s after %i ms', async (signal, ms) => {
  const { client } = places.b
  const init = (): Promise<unknown> =>
    client.swarm.init({ AdvertiseAddr: addresses.b, ListenAddr: `${addresses.b}:2377` })
  await endDuring(await up('b'), { signal, ms }, init)
  const daemon = await up('b')
  if ((await stateOf('b')) === 'inactive') {
    expect(files('b')).toEqual([])
    await init()
  }
  await expect.poll(() => stateOf('b'), PATIENCE).toBe('active')
  expect(await client.nodes.list()).toHaveLength(1)
  await client.swarm.leave({ force: true })
  expect(files('b')).toEqual([])
  await end(daemon)
}, LIMIT_MS)

describe('with a manager beside it', () => {
  let tokens = { worker: '', blue: '' }
  beforeAll(async () => {
    await up('a')
    const { client } = places.a
    await client.swarm.init({ AdvertiseAddr: addresses.a, ListenAddr: `${addresses.a}:2377` })
    const blue = await client.networks.create({ Name: 'blue', Driver: 'overlay', Attachable: true })
    tokens = { worker: (await client.swarm.inspect()).JoinTokens.Worker, blue: blue.Id }
  }, LIMIT_MS)

  const joinA = (): Promise<unknown> =>
    places.b.client.swarm.join({
      ListenAddr: `${addresses.b}:2377`,
      AdvertiseAddr: addresses.b,
      RemoteAddrs: [`${addresses.a}:2377`],
      JoinToken: tokens.worker,
    })

  test.each(ENDINGS)('join, ended by %s after %i ms', async (signal, ms) => {
    await endDuring(await up('b'), { signal, ms }, joinA)
    const daemon = await up('b')
    if ((await stateOf('b')) === 'inactive') {
      expect(files('b')).toEqual([])
      await joinA()
    }
    await expect.poll(() => stateOf('b'), PATIENCE).toBe('active')
    await places.b.client.swarm.leave()
    expect(files('b')).toEqual([])
    await end(daemon)
  }, LIMIT_MS)

  describe('as a member', () => {
    let daemon: StartedDaemon
    beforeAll(async () => {
      daemon = await up('b')
      await joinA()
    }, LIMIT_MS)

    const netns = namespacePath({ name: container })
    const attach = (): Promise<unknown> =>
      places.b.client.attachments.create({ network: 'blue', name: 'c', netns })

    /** What the daemon says, its kernel has, and the manager knows; nothing else is anywhere. */
    async function agrees(): Promise<void> {
      const { client } = places.b
      const settled = async (): Promise<string[]> =>
        (await client.attachments.list()).map(({ name, state }) => `${name} ${state}`)
      const differences = async (): Promise<unknown> => {
        const said = await settled()
        const found = devices(container).map((name) => (name === 'eth0' ? 'c running' : name))
        return said.join() === found.join() ? null : { said, found }
      }
      await expect.poll(differences, PATIENCE).toBeNull()
      const [own] = await client.attachments.list()
      if (own === undefined) await expect.poll(ofNetworks, PATIENCE).toEqual([])
    }

    test.each(ENDINGS)('attach, ended by %s after %i ms', async (signal, ms) => {
      await endDuring(daemon, { signal, ms }, attach)
      daemon = await up('b')
      await agrees()
      if ((await places.b.client.attachments.list()).length === 0) await attach()
      expect(devices(container)).toEqual(['eth0'])
      await places.b.client.attachments.remove('blue/c')
      await agrees()
      expect(devices(container)).toEqual([])
    }, LIMIT_MS)

    test.each(ENDINGS)('detach, ended by %s after %i ms', async (signal, ms) => {
      await attach()
      await endDuring(daemon, { signal, ms }, () => places.b.client.attachments.remove('blue/c'))
      daemon = await up('b')
      await agrees()
      const left = await places.b.client.attachments.list()
      if (left.length > 0) await places.b.client.attachments.remove('blue/c')
      await agrees()
      expect(devices(container)).toEqual([])
    }, LIMIT_MS)

    test.each(ENDINGS)('leave, ended by %s after %i ms', async (signal, ms) => {
      await endDuring(daemon, { signal, ms }, () => places.b.client.swarm.leave())
      daemon = await up('b')
      if ((await stateOf('b')) !== 'inactive') await places.b.client.swarm.leave()
      expect(await stateOf('b')).toBe('inactive')
      expect(files('b')).toEqual([])
      expect(ofNetworks()).toEqual([])
      await joinA()
    }, LIMIT_MS)
  })
})
