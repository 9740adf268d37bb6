/** A node that does as it is told, and the API over it. */
import { Emitter, parseIp, parseMac, silentLogger } from '@weft/core'
import { VirtualClock } from '@weft/core/testing'
import type {
  AttachmentRequest,
  AttachmentView,
  ClusterNode,
  ClusterNodeEvents,
  ClusterNodeView,
  FailedItemView,
  KeyView,
  LocalNetworkView,
  PeerView,
  RootFacts,
} from '@weft/swarm'
import { engineApi, type EngineApi } from '../src/engine-api.ts'
import type { MachineFacts } from '../src/machine-facts.ts'
import { RECORDED_NODES, RECORDED_SWARM } from './recorded.ts'
import { scriptedControl, type Calls, type ScriptedControl } from './scripted-control.ts'

const INACTIVE: ClusterNodeView = {
  state: 'inactive',
  error: '',
  nodeId: '',
  clusterId: '',
  role: null,
  nodeAddress: '',
  managers: [],
  connected: false,
  hostname: 'vm',
  dataplane: 'sim',
  ready: true,
}

/** A node whose answers a test sets. */
export interface ScriptedNode extends ClusterNode {
  readonly events: Emitter<ClusterNodeEvents>
  readonly calls: Calls
  shown: ClusterNodeView
  control: ScriptedControl | null
  attachmentList: AttachmentView[]
  networkList: LocalNetworkView[]
  peerList: PeerView[]
  keyList: KeyView[]
  failures: FailedItemView[]
  /** Thrown by the next change. */
  refusal: Error | null
  /** As the recorded swarm shows its manager or its worker. */
  become(role: 'manager' | 'worker'): void
}

function scriptedNode(): ScriptedNode {
  const change = (method: string, ...args: unknown[]): void => {
    node.calls.push([method, ...args])
    const { refusal } = node
    node.refusal = null
    if (refusal !== null) throw refusal
  }
  const node: ScriptedNode = {
    events: new Emitter<ClusterNodeEvents>(),
    calls: [],
    shown: INACTIVE,
    control: null,
    attachmentList: [],
    networkList: [],
    peerList: [],
    keyList: [],
    failures: [],
    refusal: null,
    become: (role) => {
      node.control = role === 'manager' ? scriptedControl(node.calls) : null
      node.shown = viewAs(role)
      node.events.emit('changed', {})
    },
    view: () => node.shown,
    attachments: () => node.attachmentList,
    networks: () => node.networkList,
    peers: () => node.peerList,
    keys: () => node.keyList,
    failedItems: () => node.failures,
    init: async (request) => {
      change('init', request)
      node.become('manager')
      return node.shown.nodeId
    },
    join: async (request) => {
      change('join', request)
      node.become('worker')
    },
    leave: async ({ force }) => {
      change('leave', { force })
      node.control = null
      node.shown = INACTIVE
      node.events.emit('changed', {})
    },
    attach: async (request) => {
      change('attach', request)
      const view = attachedOf(request)
      node.attachmentList.push(view)
      return view
    },
    detach: async (attachmentId) => change('detach', attachmentId),
  }
  return node
}

function viewAs(role: 'manager' | 'worker'): ClusterNodeView {
  const json = RECORDED_NODES.find(({ Spec }) => Spec.Role === role)
  const manager = RECORDED_NODES.find(({ ManagerStatus }) => ManagerStatus !== undefined)
  return {
    ...INACTIVE,
    state: 'active',
    nodeId: json?.ID ?? '',
    clusterId: RECORDED_SWARM.ID,
    role,
    nodeAddress: json?.Status.Addr ?? '',
    managers: [{ nodeId: manager?.ID ?? '', address: manager?.ManagerStatus?.Addr ?? '' }],
    connected: true,
  }
}

function attachedOf({ network, name, aliases, target }: AttachmentRequest): AttachmentView {
  return {
    attachmentId: 'a'.repeat(25),
    endpointId: 'e'.repeat(64),
    networkId: 'n'.repeat(25),
    networkName: network,
    name,
    aliases,
    addresses: ['10.0.1.5/24'],
    mac: parseMac('02:42:0a:00:01:05'),
    mtuBytes: 1450,
    gateways: [parseIp('10.0.1.1')],
    ifname: target.kind === 'netns' ? (target.ifname ?? 'eth0') : '',
    netns: target.kind === 'netns' ? target.path : '',
    state: 'running',
    error: '',
  }
}

/** The recorded root, whatever is asked. */
const root: RootFacts = {
  rootPem: RECORDED_SWARM.TLSInfo.TrustRoot ?? '',
  issuerSubject: Buffer.from(RECORDED_SWARM.TLSInfo.CertIssuerSubject ?? '', 'base64'),
  issuerPublicKey: Buffer.from(RECORDED_SWARM.TLSInfo.CertIssuerPublicKey ?? '', 'base64'),
}

export const MACHINE: MachineFacts = {
  kernelVersion: '6.18.44',
  operatingSystem: 'Debian GNU/Linux 12 (bookworm)',
  osVersion: '12',
  osType: 'linux',
  architecture: 'x86_64',
  cpus: 2,
  memoryBytes: 25_274_793_984,
}

/** Everything recorded has happened by then: an hour later, and a whole second. */
const AFTER_ALL_MS = Date.parse(RECORDED_SWARM.UpdatedAt.replace(/\.\d+Z$/, 'Z')) + 3_600_000

/** An API over a scripted node, on virtual time. */
export interface Rig {
  readonly node: ScriptedNode
  readonly clock: VirtualClock
  readonly api: EngineApi
  get(path: string): Promise<Response>
  send(method: string, path: string, body?: unknown): Promise<Response>
}

export function rig(role: 'manager' | 'worker' | null = null): Rig {
  const node = scriptedNode()
  if (role !== null) node.become(role)
  const clock = new VirtualClock({ epochMs: AFTER_ALL_MS })
  const certificates = { readRoot: async () => root }
  const options = { version: '0.0.0', machine: MACHINE, certificates, clock, log: silentLogger }
  const api = engineApi(node, options)
  const send = async (method: string, path: string, body?: unknown): Promise<Response> => {
    const text = body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body)
    const headers: Record<string, string> =
      text === null ? {} : { 'content-type': 'application/json' }
    return api(new Request(`http://weft${path}`, { method, body: text, headers }))
  }
  return { node, clock, api, send, get: async (path) => send('GET', path) }
}

/** The control plane of a rig that is a manager. */
export function controlOf({ node }: Rig): ScriptedControl {
  if (node.control === null) throw new Error('no manager')
  return node.control
}
