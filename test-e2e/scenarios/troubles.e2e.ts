/** A host in trouble: what it says, that it stays as it was, and that it can be asked again. */
import { describeError } from '@weft/core'
import { eventually, runOn, startOn, tierReport, type Client } from '@weft/lab'
import { basename } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Cluster } from './cluster.ts'
import type { ClusterHost } from './endpoints.ts'

const usable = new Map((await tierReport()).map(({ tier, usable: is }) => [tier, is]))
const lacking = usable.get('netns') === true ? '' : ' (no namespaces here)'
const CLIENTS: readonly Client[] = usable.get('docker') === true ? ['weft', 'docker'] : ['weft']

const STATE = '/var/lib/weft'
const DAY_MS = 86_400_000
const LISTENER = `
my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => "0.0.0.0:2377") or die;
print "listening\\n"; $| = 1; close STDOUT; sleep 600;
`

describe.skipIf(lacking !== '')(`a host in trouble${lacking}`, () => {
  let cluster: Cluster
  let host: ClusterHost

  beforeAll(async () => {
    cluster = await Cluster.open('weft')
    host = cluster.host(1)
  })
  afterAll(() => cluster[Symbol.asyncDispose]())

  const sh = (script: string): Promise<string> => runOn(host.machine, ['sh', '-euc', script])
  const init = (): readonly string[] => ['swarm', 'init', '--advertise-addr', host.machine.ip]
  const state = (weft = host.weft): Promise<string> =>
    weft.weft('info', '--format', '{{.Swarm.LocalNodeState}}')

  test.each(CLIENTS)('names a port in use, and can be asked again, by %s', async (client) => {
    const words = ['-MIO::Socket::INET', '-e', LISTENER]
    const other = startOn(host.machine, ['perl', ...words])
    const gone = new Promise((resolve) => other.once('close', resolve))
    const listens = (): Promise<string> => sh('ss -ltn | grep :2377')
    await eventually(listens, { withinMs: 5_000, what: 'somebody else on 2377' })
    const { code, stderr } = await host.weft.try(client, init())
    other.kill('SIGKILL')
    await gone
    expect(stderr).toBe(
      'Error response from daemon: manager stopped: failed to listen on remote API address: ' +
        'listen tcp 0.0.0.0:2377: bind: address already in use\n',
    )
    expect(code).toBe(1)
    expect(await state()).toBe('inactive')
    await host.weft.run(client, init())
    await host.weft.run(client, ['swarm', 'leave', '--force'])
  })

  test('says that its clock is wrong, and joins when it is right', async () => {
    await host.weft.weft(...init())
    const { machine, weft } = cluster.host(2)
    const join = ['swarm', 'join', '--token', await token(), `${host.machine.ip}:2377`]
    await weft.stop('TERM')
    await weft.start([], { NODE_OPTIONS: `--import=${clockOff(-2 * DAY_MS)}` })
    const { code, stderr } = await weft.try('weft', join)
    expect(stderr).toMatch(/not yet valid.*check the clocks/)
    expect(code).toBe(1)
    await weft.stop('TERM')
    await weft.start()
    expect(await state(weft)).toBe('inactive')
    await weft.weft(...join)
    await weft.weft('swarm', 'leave')
    await runOn(machine, ['true'])
    await host.weft.weft('swarm', 'leave', '--force')
  })

  test('says that the disk is full, and stays as it was', async () => {
    const { weft } = host
    await weft.stop('TERM')
    await sh(`mount -t tmpfs -o size=64k weft-full ${STATE}`)
    await weft.start()
    await sh(`head -c 200k /dev/zero >${STATE}/ballast || :`)
    const { code, stderr } = await weft.try('weft', init())
    expect(stderr).toContain(`no room left for the store (location=${STATE}/`)
    expect(code).toBe(1)
    expect(await state()).toBe('inactive')
    await sh(`rm ${STATE}/ballast; mount -o remount,size=64m ${STATE}`)
    await weft.weft(...init())
    await weft.weft('network', 'create', '-d', 'overlay', '--attachable', 'blue')
    await cluster.endpoints.attach(host, 'blue')
  })

  test('loses nothing that it acknowledged when the disk fills up under it', async () => {
    const { weft } = host
    await sh(`head -c 64m /dev/zero >${STATE}/ballast || :`)
    const create = ['network', 'create', '-d', 'overlay', '--attachable']
    const made: string[] = []
    const refusal = await (async () => {
      for (let i = 0; i < 100; i++) {
        const { code, stderr } = await weft.try('docker', [...create, `full-${i}`])
        if (code !== 0) return stderr
        made.push(`full-${i}`)
      }
      return ''
    })()
    expect(refusal).toMatch(/no room left for the store/)
    await sh(`rm ${STATE}/ballast`)
    await weft.weft(...create, 'after')
    await weft.stop('KILL')
    await weft.start()
    const names = (await weft.weft('network', 'ls', '--format', '{{.Name}}')).split('\n')
    expect(names).toEqual(expect.arrayContaining(['blue', 'after', ...made]))
    await weft.weft('network', 'rm', 'after', ...made)
  })

  test('refuses a damaged state by name, says what to do, and leaves it as it is', async () => {
    const { weft } = host
    expect(await weft.stop('TERM')).toBe(0)
    // SQLite's index of a log that is not there: made anew.
    const find = 'find * -type f -size +0 -not -name "*-shm"'
    const files = (await sh(`cd ${STATE}; ${find}`)).split('\n').sort()
    expect(files).toEqual(['agent/agent-node', 'agent/agent-peers', 'cluster.db', 'node.db'])
    for (const file of files) {
      const digest = (): Promise<string> => sh(`sha256sum <${STATE}/${file}`)
      await sh(`cd ${STATE}; cp -a ${file} /run/sound; printf damaged | dd of=${file} conv=notrunc`)
      const before = await digest()
      const said = await weft.start().then(() => 'started', describeError)
      const after = await digest()
      await sh(`cp -a /run/sound ${STATE}/${file}`)
      expect(after, file).toBe(before)
      expect(said, file).toContain('the daemon has ended')
      expect(said, file).toContain(basename(file))
      expect(said, file).toMatch(/remedy=(move|restore|remove)/)
    }
    await weft.start()
    expect(await state()).toBe('active')
    await cluster.holds()
  })

  test.each([0, 20, 60, 150, 400])('ends when it is told to, %i ms into a change', async (ms) => {
    const { weft } = host
    const words = ['network', 'create', '-d', 'overlay', '--attachable', `during-${ms}`]
    const create = weft.try('docker', words)
    await sleep(ms)
    expect(await weft.stop('TERM')).toBe(0)
    const { code } = await create
    await weft.start()
    const names = await weft.weft('network', 'ls', '--format', '{{.Name}}')
    // What was acknowledged is there; what was not may be either.
    if (code === 0) expect(names.split('\n')).toContain(`during-${ms}`)
  })

  test.each([0, 30, 100, 300])('ends when it is told to, %i ms into an attach', async (ms) => {
    const { weft } = host
    const name = `late-${ms}`
    await sh(`ip netns add ${name}`)
    const words = ['attach', '--network', 'blue', '--name', name]
    const attach = weft.try('weft', [...words, '--netns', `/run/netns/${name}`])
    await sleep(ms)
    expect(await weft.stop('TERM')).toBe(0)
    const { code } = await attach
    await weft.start()
    const all = JSON.parse(await weft.weft('attachments', '--json')) as { name: string }[]
    const is = all.some((one) => one.name === name)
    if (code === 0) expect(is).toBe(true)
    if (is) await weft.weft('detach', `blue/${name}`)
    await sh(`ip netns delete ${name}`)
    await cluster.holds()
  })

  function token(): Promise<string> {
    return host.weft.weft('swarm', 'join-token', '--quiet', 'worker')
  }
})

/** A module that puts Node's wall clock off. */
function clockOff(ms: number): string {
  return `data:text/javascript,const{now}=Date;Date.now=()=>now()+(${ms})`
}
