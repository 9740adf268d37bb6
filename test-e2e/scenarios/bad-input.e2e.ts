/** What is refused, in Docker's words where Docker has any, and that nothing is half-made by it. */
import { eventually, runOn, tierReport, type Client } from '@weft/lab'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Cluster } from './cluster.ts'

const usable = new Map((await tierReport()).map(({ tier, usable: is }) => [tier, is]))
const lacking = usable.get('netns') === true ? '' : ' (no namespaces here)'
const CLIENTS: readonly Client[] = usable.get('docker') === true ? ['weft', 'docker'] : ['weft']

/** Words that vary: the manager's address, good and bad tokens, a host's own address. */
type Fill = (text: string) => string

/** A command on a host, and what it must say. */
interface Refusal {
  readonly what: string
  readonly on: number
  readonly words: readonly string[]
  readonly says: string | RegExp
  /** Left out: both clients have the command. */
  readonly only?: Client
}

const NO_MANAGER =
  'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect ' +
  'this node to swarm and try again.'
const WORKER =
  "This node is not a swarm manager. Worker nodes can't be used to view or modify cluster state. " +
  'Please run this command on a manager node or promote the current node to a manager.'
const PART_ALREADY = 'This node is already part of a swarm.'
const OVERLAY = ['network', 'create', '-d', 'overlay'] as const
const ATTACH = ['attach', '--name', 'x', '--network'] as const
const INIT = ['swarm', 'init', '--advertise-addr'] as const

/** Host 1 manages, host 2 works, host 3 is in no swarm and has two addresses. */
const REFUSALS: readonly Refusal[] = [
  {
    what: 'a token that is none',
    on: 3,
    words: ['swarm', 'join', '--token', 'garbage', 'MANAGER'],
    says: 'invalid join token',
  },
  {
    what: 'a token with another secret',
    on: 3,
    words: ['swarm', 'join', '--token', 'WRONG-SECRET', 'MANAGER'],
    says: 'A valid join token is necessary to join this cluster',
  },
  {
    what: 'a token of another CA',
    on: 3,
    words: ['swarm', 'join', '--token', 'WRONG-DIGEST', 'MANAGER'],
    says: 'remote CA does not match fingerprint. Expected: ',
  },
  {
    what: 'a token that was rotated',
    on: 3,
    words: ['swarm', 'join', '--token', 'ROTATED', 'MANAGER'],
    says: 'A valid join token is necessary to join this cluster',
  },
  {
    what: 'joining twice',
    on: 2,
    words: ['swarm', 'join', '--token', 'TOKEN', 'MANAGER'],
    says: PART_ALREADY,
  },
  { what: 'a second cluster', on: 1, words: [...INIT, 'OWN'], says: PART_ALREADY },
  {
    what: 'an address to be chosen of several',
    on: 3,
    words: ['swarm', 'init'],
    says: /could not choose an IP address to advertise.*OWN.*OTHER/,
  },
  {
    what: 'an interface with several addresses',
    on: 3,
    words: [...INIT, 'eth0'],
    says: /interface eth0 has more than one IPv4 address \(OWN and OTHER\)/,
  },
  {
    what: 'an address that is not ours, with the candidates',
    on: 3,
    words: [...INIT, '192.0.2.1'],
    says: /192\.0\.2\.1|not recognized as a system address/,
  },
  {
    what: 'an address to listen on that is not ours',
    on: 3,
    words: [...INIT, 'OWN', '--listen-addr', '192.0.2.1'],
    says: /192\.0\.2\.1/,
  },
  {
    what: 'a data path port that is reserved',
    on: 3,
    words: [...INIT, 'OWN', '--data-path-port', '80'],
    says: /[Dd]ata ?path port number is not in valid range \(1024-49151\)/,
  },
  {
    what: 'subnets larger than their pool',
    on: 3,
    words: [
      ...INIT,
      ...['OWN', '--default-addr-pool', '10.0.0.0/24', '--default-addr-pool-mask-length', '8'],
    ],
    says: 'invalid CIDR: "10.0.0.0/24". Subnet size is too small for pool: 8',
  },
  { what: 'leaving nothing', on: 3, words: ['swarm', 'leave'], says: 'is not part of a swarm' },
  { what: 'nodes outside of a swarm', on: 3, words: ['node', 'ls'], says: NO_MANAGER },
  { what: 'nodes on a worker', on: 2, words: ['node', 'ls'], says: WORKER },
  {
    what: 'networks outside of a swarm',
    on: 3,
    words: [...OVERLAY, 'early'],
    says: NO_MANAGER,
  },
  {
    what: 'creating a network on a worker',
    on: 2,
    words: [...OVERLAY, 'elsewhere'],
    says: 'Cannot create a multi-host network from a worker node.',
  },
  {
    what: 'leaving as the last manager',
    on: 1,
    words: ['swarm', 'leave'],
    says: 'Removing the last manager erases all current state of the swarm. Use `--force`',
  },
  {
    what: 'a name that is taken',
    on: 1,
    words: [...OVERLAY, 'blue'],
    says: 'network with name blue already exists',
  },
  {
    what: 'a name that is none',
    on: 1,
    words: [...OVERLAY, 'bad name'],
    says: 'name must be valid as a DNS name component',
  },
  {
    what: 'a subnet that is taken',
    on: 1,
    words: [...OVERLAY, '--subnet', '10.40.0.0/25', 'dup'],
    says: /overlap/i,
  },
  {
    what: 'a gateway outside of its subnet',
    on: 1,
    words: [...OVERLAY, '--subnet', '10.77.0.0/24', '--gateway', '10.78.0.1', 'gate'],
    says: 'no matching subnet for gateway 10.78.0.1',
  },
  {
    what: 'an option that nobody knows, by its name',
    on: 1,
    words: [...OVERLAY, '--opt', 'nonsense=1', 'option'],
    says: 'nonsense',
  },
  {
    what: 'an MTU that is no number',
    on: 1,
    words: [...OVERLAY, '--opt', 'com.docker.network.driver.mtu=abc', 'mtu'],
    says: 'com.docker.network.driver.mtu',
  },
  {
    what: 'a driver that is not there',
    on: 1,
    words: ['network', 'create', '-d', 'nonsense', 'driver'],
    says: 'nonsense',
  },
  {
    what: 'a flag that nobody knows',
    on: 1,
    words: ['network', 'create', '--nonsense', 'flag'],
    says: /unknown (flag|option):? '?--nonsense/,
  },
  {
    what: 'a network that is not there',
    on: 1,
    words: ['network', 'inspect', 'nowhere'],
    says: 'No such network: nowhere',
  },
  {
    what: 'removing a network in use',
    on: 1,
    words: ['network', 'rm', 'blue'],
    says: 'is in use by task',
  },
  {
    what: 'removing a node that is up',
    on: 1,
    words: ['node', 'rm', 'host-2'],
    says: "is not down and can't be removed",
  },
  {
    what: 'demoting the only manager',
    on: 1,
    words: ['node', 'demote', 'host-1'],
    says: 'attempting to demote the last manager of the swarm',
  },
  {
    what: 'attaching to what is not attachable',
    on: 2,
    words: [...ATTACH, 'closed', '--netns', '/run/netns/spare'],
    says: 'not manually attachable',
    only: 'weft',
  },
  {
    what: 'attaching where nothing is',
    on: 2,
    words: [...ATTACH, 'blue', '--netns', '/run/netns/nowhere'],
    says: '/run/netns/nowhere',
    only: 'weft',
  },
  {
    what: 'attaching to a network that is not there',
    on: 2,
    words: [...ATTACH, 'nowhere', '--netns', '/run/netns/spare'],
    says: 'nowhere',
    only: 'weft',
  },
  {
    what: 'an address that is taken',
    on: 2,
    words: [...ATTACH, 'blue', '--netns', '/run/netns/spare', '--ip', 'TAKEN'],
    says: 'TAKEN',
    only: 'weft',
  },
  {
    what: 'a pool that is used up',
    on: 2,
    words: [...ATTACH, 'tiny', '--netns', '/run/netns/spare'],
    says: /tiny|no (free|available) address|exhausted/i,
    only: 'weft',
  },
]

describe.skipIf(lacking !== '')(`what is refused${lacking}`, () => {
  let cluster: Cluster
  const filled = new Map<string, string>()
  const fill: Fill = (text) => {
    let result = text
    for (const [word, value] of filled) result = result.replaceAll(word, value)
    return result
  }

  beforeAll(async () => {
    cluster = await Cluster.open('weft')
    const manager = cluster.host(1).machine.ip
    await cluster.type(1, 'swarm', 'init', '--advertise-addr', manager)
    const rotated = await cluster.type(1, 'swarm', 'join-token', '-q', 'worker')
    await cluster.type(1, 'swarm', 'join-token', '--rotate', '-q', 'worker')
    const token = await cluster.type(1, 'swarm', 'join-token', '-q', 'worker')
    await cluster.join(2)
    await cluster.type(1, ...OVERLAY, '--attachable', '--subnet', '10.40.0.0/24', 'blue')
    await cluster.type(1, ...OVERLAY, 'closed')
    await cluster.type(1, ...OVERLAY, '--attachable', '--subnet', '10.41.0.0/30', 'tiny')
    const taken = await cluster.endpoints.attach(cluster.host(1), 'blue')
    await cluster.endpoints.attach(cluster.host(1), 'tiny')
    await runOn(cluster.host(2).machine, ['ip', 'netns', 'add', 'spare'])
    await runOn(cluster.host(3).machine, ['ip', 'addr', 'add', '172.31.1.99/24', 'dev', 'eth0'])
    filled.set('MANAGER', `${manager}:2377`)
    filled.set('WRONG-SECRET', changed(token, token.length - 1))
    filled.set('WRONG-DIGEST', changed(token, 'SWMTKN-1-'.length + 20))
    filled.set('ROTATED', rotated)
    filled.set('TOKEN', token)
    filled.set('TAKEN', taken.ip)
  })
  afterAll(() => cluster[Symbol.asyncDispose]())

  describe.each(CLIENTS)('by %s', (client) => {
    const mine = REFUSALS.filter(({ only = client }) => only === client)
    test.each(mine)('$what', async ({ on, says, words }) => {
      const { machine, weft } = cluster.host(on)
      filled.set('OWN', machine.ip).set('OTHER', '172.31.1.99')
      const { code, stderr, stdout } = await weft.try(client, words.map(fill))
      const expected =
        typeof says === 'string' ? fill(says) : new RegExp(fill(says.source), says.flags)
      expect(stderr).toMatch(expected)
      expect(code).not.toBe(0)
      expect(stdout.replace(/^\[\]\n$/, '')).toBe('')
    })
  })

  test('has left nothing behind', async () => {
    await cluster.holds()
    const names = await cluster.type(1, 'network', 'ls', '--format', '{{.Name}}')
    const ours = names.split('\n').filter((name) => !['bridge', 'host', 'none'].includes(name))
    expect(ours.filter((name) => name !== 'ingress').sort()).toEqual(['blue', 'closed', 'tiny'])
    expect([...(await cluster.nodes()).keys()].sort()).toEqual(['host-1', 'host-2'])
    const state = await cluster.type(3, 'info', '--format', '{{.Swarm.LocalNodeState}}')
    expect(state).toBe('inactive')
  })

  describe('a host on its own', () => {
    const LISTENER =
      'my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => "0.0.0.0:2377") or die; sleep 60'

    test('names a port that is in use, and can be asked again', async () => {
      const { machine, weft } = cluster.host(3)
      const perl = `perl -MIO::Socket::INET -e '${LISTENER}' </dev/null >/dev/null 2>&1 & echo $!`
      const pid = await runOn(machine, ['sh', '-c', perl])
      const listens = (): Promise<string> => runOn(machine, ['sh', '-c', 'ss -ltn | grep :2377'])
      await eventually(listens, { withinMs: 5_000, what: 'somebody else on 2377' })
      const { code, stderr } = await weft.try('weft', [...INIT, machine.ip])
      expect(stderr).toMatch(/2377.*(address already in use|ERR_ADDRESS_IN_USE)/)
      expect(code).not.toBe(0)
      await runOn(machine, ['kill', pid])
      await weft.weft(...INIT, machine.ip)
      await weft.weft('swarm', 'leave', '--force')
    })

    test('says that the disk is full, and stays as it was', async () => {
      const { machine, weft } = cluster.host(3)
      await weft.stop('TERM')
      const mount = 'mount -t tmpfs -o size=64k weft-full /var/lib/weft'
      await runOn(machine, ['sh', '-c', mount])
      await weft.start()
      await runOn(machine, ['sh', '-c', 'head -c 200k /dev/zero >/var/lib/weft/ballast || :'])
      const { code, stderr } = await weft.try('weft', [...INIT, machine.ip])
      expect(stderr).toMatch(/no space left|full/i)
      expect(code).not.toBe(0)
      const makeRoom = 'rm /var/lib/weft/ballast; mount -o remount,size=64m /var/lib/weft'
      await runOn(machine, ['sh', '-c', makeRoom])
      await weft.weft(...INIT, machine.ip)
    })

    test('refuses a damaged state by name, and leaves it as it is', async () => {
      const { machine, weft } = cluster.host(3)
      expect(await weft.stop('TERM')).toBe(0)
      const list = await runOn(machine, ['sh', '-c', 'cd /var/lib/weft; find . -type f -size +0'])
      const files = list.split('\n').filter((file) => !/\.(lock|pid)$|-(shm|wal)$/.test(file))
      expect(files.length).toBeGreaterThan(1)
      for (const file of files) {
        const path = `/var/lib/weft/${file.replace(/^\.\//, '')}`
        const damage = `cp -a ${path} /run/sound; printf damaged | dd of=${path} conv=notrunc`
        await runOn(machine, ['sh', '-c', damage])
        const before = await runOn(machine, ['sh', '-c', `sha256sum <${path}`])
        await expect(weft.start(), path).rejects.toThrow()
        expect(weft.log().slice(-4_000), path).toContain(path.replace(/^.*\//, ''))
        const after = await runOn(machine, ['sh', '-c', `sha256sum <${path}`])
        expect(after, path).toBe(before)
        await runOn(machine, ['sh', '-c', `cp -a /run/sound ${path}`])
      }
      await weft.start()
      expect(await weft.weft('info', '--format', '{{.Swarm.LocalNodeState}}')).toBe('active')
    })

    test.each([0, 20, 60, 150, 400])('ends when it is told to, %i ms into a change', async (ms) => {
      const { weft } = cluster.host(3)
      const create = weft.try('weft', [...OVERLAY, '--attachable', `during-${ms}`])
      await new Promise((resolve) => setTimeout(resolve, ms))
      expect(await weft.stop('TERM')).toBe(0)
      const { code } = await create
      await weft.start()
      const names = await weft.weft('network', 'ls', '--format', '{{.Name}}')
      // What was acknowledged is there; what was not may be either.
      if (code === 0) expect(names.split('\n')).toContain(`during-${ms}`)
    })
  })
})

/** The same with another character at a place. */
function changed(text: string, at: number): string {
  return text.slice(0, at) + (text[at] === '1' ? '2' : '1') + text.slice(at + 1)
}
