/** A node that does as it is told, and the API over it. */
import { Emitter, parseMac, silentLogger } from '@weft/core'
import { VirtualClock } from '@weft/core/testing'
import type {
  AttachmentRequest,
  AttachmentView,
  ClusterNode,
  ClusterNodeEvents,
  ClusterNodeView,
  FailedItemView,
  InitRequest,
  JoinRequest,
  KeyView,
  LocalNetworkView,
  PeerView,
  RootFacts,
} from '@weft/swarm'
import { engineApi, type EngineApi } from '../src/engine-api.ts'
import type { MachineFacts } from '../src/machine-facts.ts'
import { RECORDED_NODES, RECORDED_SWARM } from './recorded.ts'
import { ScriptedControl, type Calls } from './scripted-control.ts'

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

export class ScriptedNode implements ClusterNode {
  readonly events = new Emitter<ClusterNodeEvents>()
  readonly calls: Calls = []
  shown: ClusterNodeView = INACTIVE
  control: ScriptedControl | null = null
  attachmentList: AttachmentView[] = []
  networkList: LocalNetworkView[] = []
  peerList: PeerView[] = []
  keyList: KeyView[] = []
  failures: FailedItemView[] = []
  /** Thrown by the next change. */
  refusal: Error | null = null

  /** As the recorded swarm shows its manager or its worker. */
  become(role: 'manager' | 'worker'): this {
    const json = RECORDED_NODES.find(({ Spec }) => Spec.Role === role)
    const nodeId = json?.ID ?? ''
    const manager = RECORDED_NODES.find(({ ManagerStatus }) => ManagerStatus !== undefined)
    this.control = role === 'manager' ? new ScriptedControl(this.calls) : null
    this.shown = {
      ...INACTIVE,
      state: 'active',
      nodeId,
      clusterId: RECORDED_SWARM.ID,
      role,
      nodeAddress: json?.Status.Addr ?? '',
      managers: [{ nodeId: manager?.ID ?? '', address: manager?.ManagerStatus?.Addr ?? '' }],
      connected: true,
    }
    this.events.emit('changed', {})
    return this
  }

  view(): ClusterNodeView {
    return this.shown
  }

  async init(request: InitRequest): Promise<string> {
    this.#change('init', request)
    return this.become('manager').shown.nodeId
  }

  async join(request: JoinRequest): Promise<void> {
    this.#change('join', request)
    this.become('worker')
  }

  async leave({ force }: { readonly force: boolean }): Promise<void> {
    this.#change('leave', { force })
    this.control = null
    this.shown = INACTIVE
    this.events.emit('changed', {})
  }

  async attach(request: AttachmentRequest): Promise<AttachmentView> {
    this.#change('attach', request)
    const { target } = request
    const view: AttachmentView = {
      attachmentId: 'a'.repeat(25),
      endpointId: 'e'.repeat(64),
      networkId: 'n'.repeat(25),
      networkName: request.network,
      name: request.name,
      aliases: request.aliases,
      addresses: ['10.0.1.5/24'],
      mac: parseMac('02:42:0a:00:01:05'),
      ifname: target.kind === 'netns' ? (target.ifname ?? 'eth0') : '',
      netns: target.kind === 'netns' ? target.path : '',
      state: 'running',
      error: '',
    }
    this.attachmentList.push(view)
    return view
  }

  async detach(attachmentId: string): Promise<void> {
    this.#change('detach', attachmentId)
  }

  attachments(): readonly AttachmentView[] {
    return this.attachmentList
  }

  networks(): readonly LocalNetworkView[] {
    return this.networkList
  }

  peers(): readonly PeerView[] {
    return this.peerList
  }

  keys(): readonly KeyView[] {
    return this.keyList
  }

  failedItems(): readonly FailedItemView[] {
    return this.failures
  }

  #change(method: string, ...args: unknown[]): void {
    this.calls.push([method, ...args])
    const { refusal } = this
    this.refusal = null
    if (refusal !== null) throw refusal
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
  const node = new ScriptedNode()
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
