/** What must hold whenever a cluster has come to rest, read from the kernels of its hosts. */
import { runOn } from '@weft/lab'
import { readEntries, type NetworkEntries } from '../entries.ts'
import type { ClusterHost, Endpoint } from './endpoints.ts'

/** Throws what is wrong: addresses given twice, entries that are stale or missing, orphans. */
export async function checkCluster(
  hosts: readonly ClusterHost[],
  endpoints: readonly Endpoint[],
): Promise<void> {
  const problems = [...duplicates(endpoints)]
  for (const host of hosts) {
    const entries = await readEntries(host.machine)
    problems.push(...compare(host, entries, endpoints), ...(await orphans(host, endpoints)))
  }
  if (problems.length > 0) throw new Error(problems.join('\n'))
}

function* duplicates(endpoints: readonly Endpoint[]): Iterable<string> {
  const owners = new Map<string, string>()
  for (const { ip, name, network } of endpoints) {
    const owner = owners.get(`${network} ${ip}`)
    if (owner !== undefined) yield `${ip} of ${network} belongs to ${owner} and to ${name}`
    owners.set(`${network} ${ip}`, name)
  }
}

/** One namespace for each network with an endpoint here; in it, exactly what is elsewhere. */
function compare(
  host: ClusterHost,
  found: readonly NetworkEntries[],
  endpoints: readonly Endpoint[],
): string[] {
  const networks = [...new Set(here(host, endpoints).map(({ network }) => network))]
  const expected = networks.map((network) => {
    const all = endpoints.filter((one) => one.network === network)
    const remote = all.filter((one) => one.host !== host)
    return {
      forwarding: sorted(remote.map(({ host: at, ip }) => `${macOf(ip)} ${at.machine.ip}`)),
      neighbours: sorted(remote.map(({ ip }) => `${ip} ${macOf(ip)}`)),
      devices: ['bridge', 'vxlan', ...here(host, all).map(() => 'veth')].sort(),
    }
  })
  const actual = found.map(({ devices, forwarding, neighbours }) => ({
    forwarding: sorted([...forwarding].map(([mac, tunnel]) => `${mac} ${tunnel}`)),
    neighbours: sorted([...neighbours].map(([ip, mac]) => `${ip} ${mac}`)),
    devices: devices.map(kindOf).sort(),
  }))
  const [wanted, is] = [sorted(expected.map(text)), sorted(actual.map(text))]
  const name = host.machine.name
  return [
    ...is.filter((one) => !wanted.includes(one)).map((one) => `${name} has ${one}`),
    ...wanted.filter((one) => !is.includes(one)).map((one) => `${name} lacks ${one}`),
  ]
}

/** Nothing but its cable on the host; in each container its interface, and none after detaching. */
async function orphans(host: ClusterHost, endpoints: readonly Endpoint[]): Promise<string[]> {
  const { machine } = host
  const script = `ip -o link show | sed 's/^/host /'
    for n in $(ls /run/netns); do
      case $n in weft-*) ;; *) ip -n $n -o -4 addr show scope global | sed "s/^/$n /" ;; esac
    done`
  const lines = (await runOn(machine, ['sh', '-c', script])).split('\n')
  const links = lines.flatMap((line) => /^host \d+: ([^:@]+)/.exec(line)?.[1] ?? [])
  const addresses = lines.flatMap((line) => {
    const [, name = '', ip = ''] = /^(\S+) \d+: eth0\s+inet ([\d.]+)\//.exec(line) ?? []
    return name === '' ? [] : [`${name} ${ip}`]
  })
  const wanted = sorted(here(host, endpoints).map(({ ip, name }) => `${name} ${ip}`))
  const extra = links.filter((link) => link !== 'lo' && link !== 'eth0')
  return [
    ...extra.map((link) => `${machine.name} has a device ${link}`),
    ...(text(sorted(addresses)) === text(wanted)
      ? []
      : [`${machine.name} has ${text(sorted(addresses))} in containers, not ${text(wanted)}`]),
  ]
}

function here(host: ClusterHost, endpoints: readonly Endpoint[]): Endpoint[] {
  return endpoints.filter((one) => one.host === host)
}

/** Docker's rule (docker-wire §6.4). */
function macOf(ip: string): string {
  const bytes = ip.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'))
  return ['02', '42', ...bytes].join(':')
}

function kindOf(device: string): string {
  return device.startsWith('br') ? 'bridge' : device.replace(/\d+$/, '')
}

function sorted(lines: readonly string[]): string[] {
  return [...lines].sort()
}

function text(value: unknown): string {
  return JSON.stringify(value)
}
