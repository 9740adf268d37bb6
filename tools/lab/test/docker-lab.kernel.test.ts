/** Real engines on hosts of their own: they are a swarm, and nothing of them stays. */
import { existsSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BUSYBOX_IMAGE } from '../src/docker-images.ts'
import { DOCKER_HOSTS_MAX, DockerLab, type EngineHost } from '../src/docker-lab.ts'
import { runOn, tryOn, type Machine } from '../src/machine.ts'
import { tierReport } from '../src/tier-report.ts'

const tier = (await tierReport()).find((one) => one.tier === 'docker')
const lacking = tier?.usable === true ? '' : ` (this machine has no ${tier?.missing.join(', ')})`

/** What labs leave behind if they leave anything. */
function traces(): string[] {
  const named = (folder: string): string[] =>
    readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => join(folder, name))
  const trees = named('/sys/fs/cgroup')
  const folders = [...named(tmpdir()), ...trees, ...trees.flatMap(named)]
  return folders.filter((folder) => /weft-docker-[^/]*$/.test(folder)).sort()
}

describe.skipIf(lacking !== '')(`a lab of engines${lacking}`, { timeout: 120_000 }, () => {
  const before = traces()
  let lab: DockerLab
  let manager: EngineHost
  let worker: EngineHost
  let plain: Machine

  beforeAll(async () => {
    lab = await DockerLab.open()
    manager = await lab.addEngine('manager')
    worker = await lab.addEngine('worker')
    plain = lab.addHost('plain')
  }, 60_000)
  afterAll(() => lab.close())

  it('makes a swarm whose containers reach each other by name, and engines restart', async () => {
    await manager.docker(['swarm', 'init', '--advertise-addr', manager.ip])
    const token = await manager.docker(['swarm', 'join-token', '--quiet', 'worker'])
    await worker.docker(['swarm', 'join', '--token', token, manager.ip])
    await manager.docker(['network', 'create', '--driver', 'overlay', '--attachable', 'blue'])
    const run = ['run', '--detach', '--init', '--network', 'blue', '--name']
    await manager.docker([...run, 'one', BUSYBOX_IMAGE, 'sleep', '1000'])
    const ping = ['run', '--rm', '--network', 'blue', BUSYBOX_IMAGE, 'ping', '-c', '1', 'one']
    expect(await worker.docker(ping)).toContain('1 packets received')

    await worker.restartEngine()
    expect(await worker.docker(['info', '--format', '{{.Swarm.LocalNodeState}}'])).toBe('active')
    expect(await worker.log()).toContain('Daemon has completed initialization')
  })

  it('has hosts without an engine, which reach the others and know our programs', async () => {
    const ping = await runOn(plain, ['ping', '-c', '1', '-W', '5', manager.ip])
    expect(ping).toContain('1 received')
    expect(await runOn(plain, ['sh', '-c', 'command -v weftd && hostname'])).toMatch(
      /\/weftd\nplain$/,
    )
    expect(await runOn(plain, ['ls', '/run'])).toBe('netns')
    expect((await tryOn(plain, ['docker', 'version'])).code).not.toBe(0)
  })

  it('says what a program that failed said', async () => {
    await expect(manager.docker(['network', 'inspect', 'nowhere'])).rejects.toMatchObject({
      code: 'ERR_COMMAND',
      details: { machine: 'manager', code: 1, stderr: expect.stringContaining('No such network') },
    })
  })

  it('makes at most so many hosts', async () => {
    for (let i = 3; i < DOCKER_HOSTS_MAX; i++) lab.addHost(`more-${i}`)
    const refused = expect.objectContaining({ code: 'ERR_LAB_REQUEST' }) as Error
    expect(() => lab.addHost('too-many')).toThrow(refused)
  })

  it('leaves nothing behind', async () => {
    expect(traces().length).toBeGreaterThan(before.length)
    await lab.close()
    await lab.close()
    expect(traces()).toEqual(before)
    expect(existsSync('/sys/class/net/docker0')).toBe(false)
    await expect(runOn(plain, ['true'])).rejects.toMatchObject({ code: 'ERR_COMMAND' })
  })
})
