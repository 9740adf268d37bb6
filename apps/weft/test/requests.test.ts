/** What the daemon is asked for, as Docker's client would ask. */
import { expect, test } from 'vitest'
import { DURATION_NS_MAX, parseDuration } from '../src/options/durations.ts'
import { timestampOf } from '../src/options/timestamps.ts'
import { RECORDED, recordedAnswer, recordedEngine, runWeft } from './recorded-engine.ts'

test('network create says everything that was said', async () => {
  await using engine = await recordedEngine([recordedAnswer('create')])
  const line =
    'network create -d overlay --attachable --internal --ingress --ipv6 --scope swarm ' +
    '--subnet 10.1.0.0/16,fd00::/64 --gateway 10.1.0.1 --gateway fd00::1 --ip-range 10.1.4.0/22 ' +
    '--aux-address router=10.1.0.2 -o encrypted --opt com.docker.network.driver.mtu=1400 ' +
    '--label tier=db --label bare --ipam-driver default --ipam-opt k=v --config-from base blue'
  expect((await runWeft(line.split(' '), engine.socketPath)).status).toBe(0)
  expect(engine.received).toEqual([
    {
      method: 'POST',
      path: '/networks/create',
      query: {},
      body: {
        Name: 'blue',
        CheckDuplicate: true,
        Driver: 'overlay',
        Scope: 'swarm',
        EnableIPv6: true,
        IPAM: {
          Driver: 'default',
          Options: { k: 'v' },
          Config: [
            {
              Subnet: '10.1.0.0/16',
              AuxiliaryAddresses: { router: '10.1.0.2' },
              IPRange: '10.1.4.0/22',
              Gateway: '10.1.0.1',
            },
            { Subnet: 'fd00::/64', AuxiliaryAddresses: {}, Gateway: 'fd00::1' },
          ],
        },
        Internal: true,
        Attachable: true,
        Ingress: true,
        ConfigOnly: false,
        ConfigFrom: { Network: 'base' },
        Options: { encrypted: '', 'com.docker.network.driver.mtu': '1400' },
        Labels: { tier: 'db', bare: '' },
      },
    },
  ])
})

test.each([
  ['--ip-range 10.9.0.0/24', 'no matching subnet for range 10.9.0.0/24'],
  ['--ip-range 10.1.0.0/24 --ip-range 10.1.1.0/24', 'every ip-range or gateway must have'],
  ['--gateway nonsense', 'no matching subnet for gateway nonsense'],
  ['--ip-range 10.1.0.0/99', 'invalid CIDR address: 10.1.0.0/99'],
  ['--aux-address a=10.9.0.1', 'no matching subnet for aux-address 10.9.0.1'],
])('network create %s is refused before anybody is asked', async (more, problem) => {
  const line = `network create --subnet 10.1.0.0/16 ${more} blue`
  const { err, status } = await runWeft(line.split(' '), '/nonexistent')
  expect(err).toContain(problem)
  expect(status).toBe(1)
})

test('swarm init, join and update say what was said', async () => {
  await using engine = await recordedEngine([
    recordedAnswer('init'),
    recordedAnswer('node self'),
    recordedAnswer('swarm'),
    { method: 'POST', path: '/swarm/join', body: '' },
    recordedAnswer('worker info'),
    { method: 'POST', path: '/swarm/update', body: '' },
  ])
  const nodeId = String(recordedAnswer('init').body)
  const init =
    'swarm init --advertise-addr eth1 --listen-addr eth1 --data-path-addr eth2 ' +
    '--data-path-port 5000 --default-addr-pool 10.20.0.0/16 --default-addr-pool-mask-length 26 ' +
    '--availability DRAIN --cert-expiry 48h --dispatcher-heartbeat 1m30s'
  await runWeft(init.split(' '), engine.socketPath)
  expect(engine.received[0]?.body).toEqual({
    ListenAddr: 'eth1:2377',
    AdvertiseAddr: 'eth1',
    DataPathAddr: 'eth2',
    DataPathPort: 5000,
    DefaultAddrPool: ['10.20.0.0/16'],
    SubnetSize: 26,
    ForceNewCluster: false,
    AutoLockManagers: false,
    Spec: {
      CAConfig: { NodeCertExpiry: 172_800_000_000_000 },
      Dispatcher: { HeartbeatPeriod: 90_000_000_000 },
    },
    Availability: 'drain',
  })
  expect(engine.received[1]?.path).toBe(`/nodes/${nodeId}`)
  const join = 'swarm join --token T --listen-addr [::1]:9 --advertise-addr 10.0.0.2 10.0.0.1:2377'
  const joined = await runWeft(join.split(' '), engine.socketPath)
  expect(joined.out).toBe('This node joined a swarm as a worker.\n')
  expect(engine.received.find(({ path }) => path === '/swarm/join')?.body).toEqual({
    JoinToken: 'T',
    ListenAddr: '[::1]:9',
    AdvertiseAddr: '10.0.0.2',
    DataPathAddr: '',
    RemoteAddrs: ['10.0.0.1:2377'],
  })
  const update = ['swarm', 'update', '--dispatcher-heartbeat', '10s']
  expect((await runWeft(update, engine.socketPath)).out).toBe('Swarm updated.\n')
  const swarm = RECORDED.get('swarm')?.answer as { Version: { Index: number }; Spec: object }
  const updated = engine.received.find(({ path }) => path === '/swarm/update')
  expect(updated?.query).toEqual({ version: String(swarm.Version.Index) })
  expect(updated?.body).toEqual({ ...swarm.Spec, Dispatcher: { HeartbeatPeriod: 10_000_000_000 } })
})

test('swarm update without options shows help and asks for nothing', async () => {
  const { out, status } = await runWeft(['swarm', 'update'], '/nonexistent')
  expect(out).toContain('--cert-expiry')
  expect(status).toBe(0)
})

test('network rm asks before the routing mesh goes; prune asks always', async () => {
  await using engine = await recordedEngine([recordedAnswer('network ingress')])
  const words = ['network', 'rm', 'ingress']
  const readLine = (): Promise<string> => Promise.resolve('n')
  const kept = await runWeft(words, engine.socketPath, { readLine })
  expect(kept.out).toContain('WARNING! Before removing the routing-mesh network')
  expect(engine.received.filter(({ method }) => method === 'DELETE')).toEqual([])
  const yes = { readLine: () => Promise.resolve('Y') }
  const removed = await runWeft(words, engine.socketPath, yes)
  expect(removed.err).toContain('nobody recorded DELETE /networks/ingress')
  await runWeft(['network', 'prune'], engine.socketPath, yes)
  expect(engine.received.at(-1)).toMatchObject({ method: 'POST', path: '/networks/prune' })
})

test('durations are those of Go, as far as numbers are exact', () => {
  expect(parseDuration('1h30m')).toBe(5_400_000_000_000)
  expect(parseDuration('-1.5s')).toBe(-1_500_000_000)
  expect(parseDuration('100ms2us7ns')).toBe(100_002_007)
  expect(parseDuration('0')).toBe(0)
  expect([parseDuration('1'), parseDuration('h'), parseDuration('1d'), parseDuration('')]).toEqual([
    null,
    null,
    null,
    null,
  ])
  expect(parseDuration(`${DURATION_NS_MAX}ns`)).toBe(DURATION_NS_MAX)
  expect(parseDuration(`${DURATION_NS_MAX + 1}ns`)).toBeNull()
})

test('instants are seconds, dates, or so long before the daemon read its clock', async () => {
  const SystemTime = '2026-11-21T12:00:00.5Z'
  const info = () => Promise.resolve({ SystemTime })
  const asking = { client: { info }, signal: new AbortController().signal }
  const at = (text: string): Promise<string> =>
    timestampOf(asking as unknown as Parameters<typeof timestampOf>[0], text)
  expect(await at('')).toBe('')
  expect(await at('1795262424.5')).toBe('1795262424.5')
  expect(await at('10m')).toBe('1795261800.500000000')
  expect(await at('2026-11-21T12:00:00Z')).toBe('1795262400.000000000')
  expect(await at('2026-11-21T14:00:00+02:00')).toBe('1795262400.000000000')
  const local = new Date(2026, 10, 21).getTime() / 1000
  expect(await at('2026-11-21')).toBe(`${local}.000000000`)
  await expect(at('yesterday')).rejects.toThrow('failed to parse value as time or duration')
})
