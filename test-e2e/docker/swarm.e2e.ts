/** A host that runs only weftd is a worker of a real Docker swarm, on Docker's own network. */
import { eventually, runOn, startOn, tierReport, tryOn } from '@weft/lab'
import { parseIp } from '@weft/core'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DockerSwarm, KEY_ROTATION_MS, NETWORK, type EngineContainer } from './docker-swarm.ts'
import { readEntries } from '../entries.ts'
import { containerEnd, namespaceEnd, reaches, resolve, transfers, type End } from './reach.ts'

const tier = (await tierReport()).find((one) => one.tier === 'docker')
const lacking = tier?.usable === true ? '' : ` (this machine has no ${tier?.missing.join(', ')})`

const FOLLOWS_WITHIN_MS = 1_000
const GONE_WITHIN_MS = 30_000
/** Ten a second, so that a gap of a fifth of a second is a lost packet. */
const STEADY_INTERVAL = '0.1'

/** A row of `docker network inspect --verbose`. */
interface VerboseTask {
  readonly Name: string
  readonly EndpointIP: string
  readonly Info: { readonly 'Host IP': string }
}

describe.skipIf(lacking !== '')(`weftd in a Docker swarm${lacking}`, () => {
  let swarm: DockerSwarm
  let onManager: EngineContainer
  let onWorker: EngineContainer
  let probe: End
  const others = (): readonly End[] => [containerEnd(onManager), containerEnd(onWorker)]

  beforeAll(async () => {
    swarm = await DockerSwarm.open()
    onManager = await swarm.container(swarm.manager, 'on-manager')
    onWorker = await swarm.container(swarm.worker, 'on-worker')
  })
  afterAll(() => swarm[Symbol.asyncDispose]())

  /** Attach a fresh namespace of the weft host. */
  async function attach(name: string, words: readonly string[] = []): Promise<End> {
    const { machine } = swarm.weft
    await runOn(machine, ['ip', 'netns', 'add', name])
    await swarm.weft.weft('attach', '--network', NETWORK, '--name', name, ...words, ...netns(name))
    const lines = await swarm.weft.weft('attachments', '--json')
    const all = JSON.parse(lines) as { name: string; addresses: string[] }[]
    const [address = ''] = all.find((one) => one.name === name)?.addresses ?? []
    return namespaceEnd(machine, name, parseIp(address.replace(/\/.*/, '')))
  }

  const netns = (name: string): string[] => ['--netns', `/run/netns/${name}`]

  /** What a Docker node knows of the network's endpoints, by container name. */
  async function verbose(engine = swarm.manager): Promise<Map<string, VerboseTask>> {
    const format = '{{json .Services}}'
    const text = await engine.docker(['network', 'inspect', '--verbose', '-f', format, NETWORK])
    const services = JSON.parse(text) as Record<string, { Tasks: VerboseTask[] }> | null
    return new Map((services?.['']?.Tasks ?? []).map((task) => [task.Name, task]))
  }

  /** Wait for entries of a container on the weft host; resolves to how many ms it took. */
  async function followed({ ip, mac }: EngineContainer, there: boolean): Promise<number> {
    const began = performance.now()
    const check = async (): Promise<void> => {
      const all = await readEntries(swarm.weft.machine)
      const has = [
        all.some(({ forwarding }) => forwarding.has(mac)),
        all.some(({ neighbours }) => neighbours.get(ip) === mac),
      ]
      if (has.some((one) => one !== there)) throw new Error(JSON.stringify(has))
    }
    await eventually(check, { withinMs: GONE_WITHIN_MS, what: `entries of ${ip}` })
    return performance.now() - began
  }

  /** Ping steadily while something happens; resolves to how many answers did not come. */
  async function lostDuring(from: End, to: End, body: () => Promise<void>): Promise<number> {
    const words = ['-i', STEADY_INTERVAL, '-W', '2', to.ip]
    const inside = ['ip', 'netns', 'exec', from.name, 'ping', ...words] as const
    const ping = startOn(from.machine, [...inside])
    let said = ''
    ping.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
    await once(ping.stdout, 'data')
    await body()
    const ended = once(ping, 'close')
    await runOn(from.machine, ['sh', '-c', `pkill -INT -x ping`])
    await ended
    const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(said) ?? []
    expect(Number(sent)).toBeGreaterThan(10)
    return Number(sent) - Number(received)
  }

  test('joins with the swarm\'s token, and `docker node ls` shows it Ready', async () => {
    await swarm.weft.start()
    const { ip } = swarm.manager
    await swarm.weft.weft('swarm', 'join', '--token', await swarm.token(), `${ip}:2377`)
    await swarm.shows(swarm.weft.name, 'Ready')
    const status = JSON.parse(await swarm.weft.weft('status', '--json')) as Record<string, unknown>
    expect(status).toMatchObject({ state: 'active', role: 'worker', connected: true })
  })

  test('sees the engines as peers, and shows no network before it has an endpoint', async () => {
    const check = async (): Promise<void> => {
      const text = await swarm.weft.weft('peers', '--json')
      const peers = JSON.parse(text) as { address: string; state: string; weft: boolean }[]
      const alive = peers.filter(({ state, weft }) => state === 'alive' && !weft)
      expect(alive.map(({ address }) => address.replace(/:.*/, '')).sort()).toEqual([
        swarm.manager.ip,
        swarm.worker.ip,
      ])
    }
    await eventually(check, { withinMs: 10_000, what: 'two peers' })
    expect(await swarm.weft.weft('network', 'ls', '--quiet')).toBe('')
  })

  test('attaches a namespace, at an address that Docker\'s manager gave', async () => {
    probe = await attach('probe', ['--alias', 'also-probe'])
    expect(probe.ip).toMatch(/^10\.0\.1\.\d+$/)
    expect([onManager.ip, onWorker.ip]).not.toContain(probe.ip)
    expect(await swarm.weft.weft('network', 'ls', '--format', '{{.Name}}')).toBe(NETWORK)
  })

  test('is reached from containers on both engines, and reaches them', async () => {
    for (const other of others()) {
      await reaches(probe, other)
      await reaches(other, probe)
    }
  })

  test('carries TCP both ways, every byte', async () => {
    for (const other of others()) {
      await transfers(probe, other)
      await transfers(other, probe)
    }
  })

  test('is resolved by containers on both engines, by name and alias', async () => {
    for (const other of others()) {
      expect(await resolve(other, 'probe')).toBe(probe.ip)
      expect(await resolve(other, 'also-probe')).toBe(probe.ip)
      await reaches(other, 'probe')
    }
  })

  test('is listed by `docker network inspect -v`, with its host', async () => {
    for (const engine of [swarm.manager, swarm.worker]) {
      const info = { 'Host IP': swarm.weft.machine.ip }
      expect((await verbose(engine)).get('probe')).toMatchObject({
        EndpointIP: probe.ip,
        Info: info,
      })
    }
  })

  test('follows containers that come and go within a second', async () => {
    const tookMs: number[] = []
    for (const engine of [swarm.manager, swarm.worker]) {
      const container = await swarm.container(engine, 'passer-by')
      tookMs.push(await followed(container, true))
      await reaches(probe, containerEnd(container))
      await engine.docker(['rm', '--force', 'passer-by'])
      tookMs.push(await followed(container, false))
    }
    expect(Math.max(...tookMs)).toBeLessThan(FOLLOWS_WITHIN_MS)
  })

  test('follows the manager\'s new keys, and no packet is lost', async () => {
    const tags = async (): Promise<string[]> => {
      const keys = JSON.parse(await swarm.weft.weft('keys', '--json')) as KeyRow[]
      return keys.filter(({ subsystem }) => subsystem === 'gossip').map(({ tag }) => tag)
    }
    const before = await tags()
    expect(before).toHaveLength(3)
    const lost = await lostDuring(probe, containerEnd(onWorker), async () => {
      const check = async (): Promise<void> => {
        const now = await tags()
        expect(now).toHaveLength(3)
        expect(now.filter((tag) => before.includes(tag))).toEqual([])
      }
      await eventually(check, { withinMs: 6 * KEY_ROTATION_MS, what: 'three new keys' })
    })
    expect(lost).toBe(0)
    const late = await swarm.container(swarm.worker, 'after-keys')
    expect(await followed(late, true)).toBeLessThan(FOLLOWS_WITHIN_MS)
    const second = await attach('second')
    const named = async (): Promise<void> => {
      expect(await resolve(containerEnd(late), 'second')).toBe(second.ip)
    }
    await eventually(named, { withinMs: FOLLOWS_WITHIN_MS, what: 'a name under the new keys' })
    await reaches(containerEnd(late), second)
  })

  test('goes on while the manager is away, and with it when it is back', async () => {
    const restart = (): Promise<void> => swarm.manager.restartEngine()
    const lost = await lostDuring(probe, containerEnd(onWorker), restart)
    expect(lost).toBe(0)
    await swarm.shows(swarm.weft.name, 'Ready')
    await swarm.manager.docker(['start', 'on-manager'])
    const container = await swarm.container(swarm.manager, 'after-restart')
    await followed(container, true)
    await reaches(probe, containerEnd(container))
    const third = await attach('third')
    await reaches(containerEnd(onWorker), third)
    await reaches(third, containerEnd(container))
  })

  test('outlives its daemon', async () => {
    const lost = await lostDuring(probe, containerEnd(onWorker), async () => {
      await swarm.weft.stop('KILL')
      await swarm.weft.start()
      await swarm.shows(swarm.weft.name, 'Ready')
    })
    expect(lost).toBe(0)
    for (const engine of [swarm.manager, swarm.worker]) {
      expect((await verbose(engine)).has('probe')).toBe(true)
    }
  })

  test('detaches, and Docker forgets the name', async () => {
    await swarm.weft.weft('detach', `${NETWORK}/probe`)
    for (const engine of [swarm.manager, swarm.worker]) {
      const check = async (): Promise<void> => {
        expect((await verbose(engine)).has('probe')).toBe(false)
      }
      await eventually(check, { withinMs: FOLLOWS_WITHIN_MS, what: 'an endpoint that is gone' })
    }
    expect(await resolve(containerEnd(onWorker), 'probe')).toBe('')
  })

  test('leaves: Docker shows it Down, lets it be removed, and nothing is left here', async () => {
    const { ID: id = '' } = (await swarm.node(swarm.weft.name)) ?? {}
    await swarm.weft.weft('swarm', 'leave')
    await swarm.shows(swarm.weft.name, 'Down')
    await swarm.manager.docker(['node', 'rm', id])
    expect(await swarm.node(swarm.weft.name)).toBeNull()
    const check = async (): Promise<void> => {
      expect([...(await verbose(swarm.worker)).keys()].sort()).not.toContain('second')
    }
    await eventually(check, { withinMs: FOLLOWS_WITHIN_MS, what: 'endpoints that are gone' })
    expect(await readEntries(swarm.weft.machine)).toEqual([])
    const ping = probe.inside(['ping', '-c', '1', '-W', '1', onWorker.ip])
    expect((await tryOn(probe.machine, ping)).code).not.toBe(0)
  })
})

interface KeyRow {
  readonly subsystem: string
  readonly tag: string
}
