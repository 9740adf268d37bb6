/** A disk without room: what cannot be kept is refused by name, and nothing is lost. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { DaemonPlace, type StartedDaemon } from './daemon-process.ts'

const ADDRESS = '127.78.0.1'

let place = new DaemonPlace('')
let device: ChildProcess
beforeEach(async () => {
  place = new DaemonPlace(mkdtempSync(join(tmpdir(), 'weftd-')))
  mkdirSync(place.state)
  const mount = 'mount -t tmpfs -o size=1m none "$0" && echo there && exec sleep 600'
  const words = ['--mount', 'sh', '-c', mount, place.state]
  device = spawn('unshare', words, { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(device.stdout ?? device, 'data')
})
afterEach(() => {
  place.killAll()
  device.kill('SIGKILL')
  rmSync(place.directory, { recursive: true, force: true })
})

/** A daemon whose state directory is a device of 1 MiB. */
async function up(): Promise<StartedDaemon> {
  const entering = ['nsenter', `--mount=/proc/${device.pid}/ns/mnt`, '--']
  const daemon = place.start({ entering, words: ['--dataplane', 'sim'] })
  await daemon.ready
  return daemon
}

const ballast = (): string => `/proc/${device.pid}/root${join(place.state, 'ballast')}`

/** Until there is no room at all. */
function fill(): void {
  for (const bytes of [65_536, 4096]) {
    try {
      for (;;) writeFileSync(ballast(), new Uint8Array(bytes), { flag: 'a' })
    } catch {
      // Full.
    }
  }
}

const networks = async (): Promise<string[]> => {
  const all = await place.client.networks.list({ filters: { driver: ['overlay'] } })
  return all.map(({ Name }) => Name).sort()
}

const create = (name: string): Promise<unknown> =>
  place.client.networks.create({ Name: name, Driver: 'overlay', Attachable: true })

test('a manager goes on with what it has, and takes more once there is room', async () => {
  const first = await up()
  await place.client.swarm.init({ AdvertiseAddr: ADDRESS, ListenAddr: `${ADDRESS}:2377` })
  await create('kept')
  const before = await place.client.swarm.inspect()
  fill()
  const names = Array.from({ length: 200 }, (_, at) => `n${at}`)
  let created = 0
  const filling = (async () => {
    for (const name of names) {
      await create(name)
      created += 1
    }
  })()
  await expect(filling).rejects.toMatchObject({ code: 'ERR_STORE_FULL' })
  const kept = ['kept', ...names.slice(0, created)].sort()
  expect(await networks()).toEqual(kept)
  first.child.kill('SIGKILL')
  await first.ended
  // Still without room: whoever starts now needs none.
  const second = await up()
  expect(await networks()).toEqual(kept)
  expect((await place.client.swarm.inspect()).JoinTokens).toEqual(before.JoinTokens)
  await expect.poll(async () => (await place.client.status()).state).toBe('active')
  rmSync(ballast())
  await create('later')
  expect(await networks()).toEqual([...kept, 'later'].sort())
  second.child.kill('SIGTERM')
  expect(await second.ended).toBe(0)
}, 60_000)

test('what cannot be begun for want of room leaves nothing, and can be asked again', async () => {
  const daemon = await up()
  fill()
  const init = (): Promise<unknown> =>
    place.client.swarm.init({ AdvertiseAddr: ADDRESS, ListenAddr: `${ADDRESS}:2377` })
  await expect(init()).rejects.toMatchObject({ code: 'ERR_STORE_FULL' })
  expect((await place.client.status()).state).toBe('inactive')
  rmSync(ballast())
  await init()
  daemon.child.kill('SIGTERM')
  expect(await daemon.ended).toBe(0)
}, 60_000)
