/** Hosts and containers made of namespaces, removed after each test with all made there. */
import { createSocket } from 'node:dgram'
import { readdirSync } from 'node:fs'
import {
  parseCidr,
  parseInterfaceAddress,
  parseIp,
  parseMac,
  silentLogger,
  vni,
  type Ip,
} from '@weft/core'
import type {
  ApplyReport,
  Dataplane,
  DesiredState,
  LocalEndpoint,
  NetworkSpec,
  RemoteEndpoint,
  SubnetSpec,
} from '@weft/dataplane'
import { userspaceBackend, userspaceOptions, type UserspaceOptions } from '../src/index.ts'
import {
  createNamespace,
  deleteNamespace,
  Kernel,
  listNamespaces,
  openUdpSocket,
} from '@weft/linux'
import { nodeRuntime } from '@weft/runtime-node'
import { afterEach } from 'vitest'

const closers: (() => unknown)[] = []
let counter = 0

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
  const prefix = `dataplane-userspace-${process.pid}-`
  for (const name of listNamespaces()) {
    if (name.startsWith(prefix)) deleteNamespace({ name })
  }
})

/** Do this after the test, last registered first. */
export function atEnd(close: () => unknown): void {
  closers.push(close)
}

/** A new namespace that goes with the test; returns its path. */
export function scratch(): string {
  const name = `dataplane-userspace-${process.pid}-${++counter}`
  return createNamespace({ name }, () => {
    using kernel = Kernel.open()
    kernel.links.change('lo', { up: true })
  })
}

/** A host: an underlay namespace with an address, and what opens a dataplane on it. */
export interface TestHost {
  readonly instance: string
  readonly path: string
  readonly kernel: Kernel
  readonly ip: Ip
  readonly options: UserspaceOptions
  open(): Promise<Dataplane>
}

/** Hosts 192.0.2.1, .2, … (and fd00:2::1, …) on one link of this MTU. */
export function hosts(count: number, mtuBytes = 1500): TestHost[] {
  const wire = Kernel.open(scratch())
  atEnd(() => wire.close())
  const bridge = wire.links.create({ kind: 'bridge', name: 'wire', mtuBytes, up: true })
  return Array.from({ length: count }, (_, i) => {
    const path = scratch()
    const kernel = Kernel.open(path)
    atEnd(() => kernel.close())
    const peer = { name: 'eth0', mtuBytes, namespaceFd: kernel.namespace.fd }
    const end = { kind: 'veth', name: `h${i}`, mtuBytes, masterIndex: bridge, up: true } as const
    const port = wire.links.create({ ...end, peer })
    const linkIndex = kernel.links.require('eth0').index
    kernel.links.change(linkIndex, { up: true })
    for (const text of [`192.0.2.${i + 1}/24`, `fd00:2::${i + 1}/64`]) {
      const address = parseInterfaceAddress(text)
      kernel.addresses.apply('create', { linkIndex, address, noDuplicateDetection: true })
    }
    // Reading a link makes its carrier count at once.
    wire.links.get(port)
    kernel.links.get(linkIndex)
    return testHost(path, kernel, parseIp(`192.0.2.${i + 1}`))
  })
}

function testHost(path: string, kernel: Kernel, ip: Ip): TestHost {
  const instance = path.split('/').at(-1) ?? ''
  const options = userspaceOptions({ instance, underlayNamespace: path })
  return {
    instance,
    path,
    kernel,
    ip,
    options,
    async open() {
      const runtime = { ...nodeRuntime(), log: silentLogger }
      const dataplane = await userspaceBackend.open(runtime, options)
      atEnd(() => dataplane.close('teardown'))
      return dataplane
    },
  }
}

/** A subnet with a gateway ending in 1, such as `10.0.1.0/24`. */
export function subnet(id: number, ...cidrs: readonly string[]): SubnetSpec {
  const gatewayOf = (cidr: string): Ip => parseIp(cidr.replace(/0?\/.*/, '1'))
  return {
    vni: vni(id),
    prefixes: cidrs.map((cidr) => ({ cidr: parseCidr(cidr), gateway: gatewayOf(cidr) })),
  }
}

const macOf = (ip: string): LocalEndpoint['mac'] => {
  const bytes = ip.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'))
  return parseMac(`02:42:${bytes.join(':')}`)
}

/** An endpoint for `eth0` of a container. */
export function local(path: string, ip: string, ...more: readonly string[]): LocalEndpoint {
  const addresses = [ip, ...more].map((each) => parseIp(each))
  return { mac: macOf(ip), addresses, attachment: { kind: 'netns', path, ifname: 'eth0' } }
}

/** An endpoint elsewhere. */
export function remote(node: string, ip: string, ...more: readonly string[]): RemoteEndpoint {
  return { mac: macOf(ip), addresses: [ip, ...more].map((each) => parseIp(each)), node }
}

/** A network of these subnets. */
export function network(
  subnets: readonly SubnetSpec[],
  parts: Partial<Omit<NetworkSpec, 'local' | 'remote'>> & {
    readonly local?: Readonly<Record<string, LocalEndpoint>>
    readonly remote?: Readonly<Record<string, RemoteEndpoint>>
  } = {},
): NetworkSpec {
  return {
    encapsulation: 'vxlan',
    mtu: null,
    ...parts,
    subnets,
    local: new Map(Object.entries(parts.local ?? {})),
    remote: new Map(Object.entries(parts.remote ?? {})),
  }
}

let generation = 0

/** What a host should be; nodes `n1`, `n2`, … are the other hosts by their number. */
export function desired(
  host: Pick<TestHost, 'ip'>,
  networks: Readonly<Record<string, NetworkSpec>>,
  port = 4789,
): DesiredState {
  const peers = [1, 2, 3, 4].map((i) => [`n${i}`, parseIp(`192.0.2.${i}`)] as const)
  return {
    generation: ++generation,
    tunnel: { ip: host.ip, port },
    peers: new Map(
      peers.filter(([, ip]) => ip !== host.ip).map(([id, ip]) => [id, { tunnel: { ip, port } }]),
    ),
    networks: new Map(Object.entries(networks)),
  }
}

/** The failures of a report as `item code`. */
export function failures(report: ApplyReport): string[] {
  return report.failures.map(({ error, item }) => `${item} ${error.code}`).sort()
}

/** True when a datagram from one container reaches an address of another. */
export async function reaches(from: string, to: string, ip: string): Promise<boolean> {
  const type = ip.includes(':') ? 'udp6' : 'udp4'
  const any = parseIp(type === 'udp6' ? '::' : '0.0.0.0')
  const [sender, receiver] = [createSocket(type), createSocket(type)]
  try {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    receiver.on('message', () => resolve(true))
    receiver.bind({ fd: openUdpSocket({ namespace: to, local: { ip: parseIp(ip), port: 9 } }) })
    sender.bind({ fd: openUdpSocket({ namespace: from, local: { ip: any, port: 0 } }) })
    sender.on('error', () => resolve(false))
    const timer = setTimeout(() => resolve(false), 1000)
    sender.send('hello', 9, ip)
    const arrived = await promise
    clearTimeout(timer)
    return arrived
  } finally {
    sender.close()
    receiver.close()
  }
}

/** Open descriptors of this process. */
export function openFds(): number {
  return readdirSync('/proc/self/fd').length
}

