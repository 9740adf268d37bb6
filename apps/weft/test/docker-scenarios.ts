/** Command lines that Docker's client and this one are given alike, and what is answered. */
import { RECORDED } from './recorded-engine.ts'

/** One command line. */
export interface Scenario {
  readonly words: readonly string[]
  /** Names of recorded answers, in order where one path is asked twice. */
  readonly answers: readonly string[]
}

const SELF = nodeId('node self')
const WORKER = nodeId('node worker')

function nodeId(answer: string): string {
  return (RECORDED.get(answer)?.answer as { readonly ID: string } | undefined)?.ID ?? ''
}

function formats(
  command: readonly string[],
  answers: readonly string[],
  templates: readonly string[],
): Scenario[] {
  return templates.map((template) => ({
    words: [...command, '--format', template],
    answers,
  }))
}

const LISTINGS: readonly Scenario[] = [
  { words: ['network', 'ls'], answers: ['networks'] },
  { words: ['network', 'list', '--no-trunc'], answers: ['networks'] },
  { words: ['network', 'ls', '-q'], answers: ['networks'] },
  { words: ['network', 'ls', '--quiet=false'], answers: ['networks'] },
  { words: ['network', 'ls', '-q', '--format', 'raw'], answers: ['networks'] },
  { words: ['network', 'ls', '-qf', 'driver=overlay'], answers: ['many'] },
  { words: ['network', 'ls', '-f', 'name=lu'], answers: ['by name part'] },
  { words: ['network', 'ls', '-f', 'colour=red'], answers: ['by bad filter'] },
  { words: ['network', 'ls', '-f', 'colour'], answers: [] },
  { words: ['network', 'ls', '-qx'], answers: [] },
  { words: ['network', 'ls', '-q', '--quiet=maybe'], answers: [] },
  ...formats(
    ['network', 'ls'],
    ['networks'],
    [
      'raw',
      'table',
      'table {{.Name}}\\t{{.Labels}}',
      'table {{.ID}}\\t{{.Name | upper}}\\t{{.IPv6}}\\t{{.Internal}}\\t{{.CreatedAt}}',
      'table {{.Name}}\\t{{.Label "a"}}',
      'table {{json .Name}}',
      'table {{.Name}}\t{{join (split .Name "l") "-"}}',
      '{{.ID}}: {{.Name}}',
      '{{.ID}}\\t{{.Name}}\\n',
      '{{json .}}',
      '{{json .Labels}} {{.Label "a"}}',
      '{{if eq .Driver "overlay"}}{{.Name}}{{else}}-{{end}}',
      '{{truncate .Name 2}}{{pad .Name 1 2}}|',
      '{{.Nope}}',
      '{{.ID',
      '{{nope .ID}}',
      '{{.ID}} {{end}}',
      '{{if .ID}}',
    ],
  ),
  { words: ['node', 'ls'], answers: ['nodes', 'info'] },
  { words: ['node', 'ls', '-q'], answers: ['nodes'] },
  { words: ['node', 'ls', '--filter', 'role=king'], answers: ['nodes by bad role'] },
  { words: ['node', 'ls'], answers: ['worker nodes'] },
  { words: ['node', 'ls'], answers: ['inactive nodes'] },
  ...formats(
    ['node', 'ls'],
    ['nodes', 'info'],
    [
      'raw',
      '{{json .}}',
      '{{.Hostname}} {{.Self}} {{.ManagerStatus}} {{.TLSStatus}}',
      'table {{.ID}}\\t{{.Self}}\\t{{.TLSStatus}}\\t{{.EngineVersion}}',
      '{{if .Self}}{{.Availability}}{{end}}',
    ],
  ),
]

const INSPECTIONS: readonly Scenario[] = [
  { words: ['network', 'inspect', 'blue'], answers: ['network'] },
  { words: ['network', 'inspect', '-v', 'blue'], answers: ['network verbose'] },
  { words: ['network', 'inspect', 'blue', 'full', 'six'], answers: [
    'network', 'network full', 'network six',
  ] },
  { words: ['network', 'inspect', 'nope'], answers: ['network missing'] },
  { words: ['network', 'inspect', 'nope', 'blue'], answers: ['network missing', 'network'] },
  ...formats(
    ['network', 'inspect', 'full'],
    ['network full'],
    [
      '{{.Name}} {{.ID}} {{.Id}}',
      '{{.Id}}',
      '{{.Nope}}',
      '{{.IPAM.Nope}}',
      '{{json .}}',
      '{{json .IPAM.Config}}',
      '{{.IPAM.Config}}',
      '{{.IPAM}}',
      '{{.Labels}} {{.Options}}',
      '{{.Created}} {{.Attachable}} {{.Ingress}}',
      '{{range .IPAM.Config}}{{.Subnet}} {{.Gateway}} {{.AuxAddress}}{{end}}',
      '{{range $i, $c := .IPAM.Config}}{{$i}}={{$c.Subnet}};{{end}}',
      '{{(index .IPAM.Config 0).Gateway}}',
      '{{(index .IPAM.Config 7).Gateway}}',
      '{{index .Options "com.docker.network.driver.overlay.vxlanid_list"}}',
      '{{index .Labels "nope"}}|{{.Labels.nope}}',
      '{{with .Labels}}{{len .}}{{end}} {{len .Name}}',
      '{{.Name | printf "%-8s|"}}{{printf "%q %5d %v" .Name 7 .Attachable}}',
      '{{title .Name}} {{upper .Scope}} {{lower .Driver}}',
      '{{range $k, $v := .Options}}{{$k}}={{$v}}{{println}}{{end}}',
      '{{- /* nothing */ -}} {{ .Name -}} !',
      '{{if and .Attachable (not .Ingress) (eq .Scope "swarm" "x")}}y{{else if .Ingress}}n{{end}}',
      '{{$n := .Name}}{{range .IPAM.Config}}{{$n}} {{.IPRange}}{{end}}',
      '{{range .Peers}}{{.Name}}{{else}}none{{end}}',
      '{{.ConfigFrom}} {{.ConfigFrom.Network}}|',
      '{{.Name.Nope}}',
      '{{len .Attachable}}',
      '{{print .Name .Scope 1 2 true}} {{println 1 "a"}}',
    ],
  ),
  ...formats(
    ['network', 'inspect', '--verbose', 'blue'],
    ['network verbose'],
    [
      '{{range .Containers}}{{.Name}} {{.IPv4Address}}{{end}}',
      '{{range $k, $v := .Services}}{{$k}}:{{range $v.Tasks}}{{.Name}} {{.Info}};{{end}}{{end}}',
      '{{.Peers}}',
      '{{json .Services}}',
    ],
  ),
  { words: ['node', 'inspect', 'self'], answers: ['info', 'node self'] },
  { words: ['node', 'inspect', '--pretty', 'self'], answers: ['info', 'node self'] },
  { words: ['node', 'inspect', '--pretty', WORKER], answers: ['node worker'] },
  { words: ['node', 'inspect', 'nope'], answers: ['node missing'] },
  { words: ['node', 'inspect', '--pretty', 'nope'], answers: ['node missing'] },
  { words: ['node', 'inspect', 'self'], answers: ['inactive info', 'inactive nodes'] },
  ...formats(
    ['node', 'inspect', WORKER],
    ['node worker'],
    [
      '{{.ID}} {{.Status.State}} {{.Status.Addr}} {{.Spec.Role}}',
      '{{.CreatedAt}} {{.Version.Index}} {{.Meta.Version}}',
      '{{.Description.Engine.EngineVersion}} {{.Description.Resources.NanoCPUs}}',
      '{{.Spec}} {{.Status}}',
      '{{.ManagerStatus}}',
      '{{.ManagerStatus.Addr}}',
      '{{json .Spec}}',
      'pretty',
      'pretty {{.ID}}',
      '{{.Nope}}',
    ],
  ),
]

const REST: readonly Scenario[] = [
  { words: ['swarm', 'join-token', 'worker'], answers: ['info', 'node self', 'swarm'] },
  { words: ['swarm', 'join-token', '-q', 'manager'], answers: ['swarm'] },
  {
    words: ['swarm', 'join-token', '--rotate', 'worker'],
    answers: ['swarm', 'update rotate', 'swarm rotated', 'info', 'node self'],
  },
  { words: ['swarm', 'join-token', 'king'], answers: [] },
  { words: ['swarm', 'join-token', 'worker'], answers: ['worker swarm', 'worker info'] },
  { words: ['swarm', 'join-token'], answers: [] },
  { words: ['swarm', 'leave'], answers: ['leave last'] },
  { words: ['swarm', 'leave', '--force'], answers: ['leave'] },
  { words: ['swarm', 'leave', 'now'], answers: [] },
  { words: ['swarm', 'join', '--token', 'x', '10.0.0.1:2377'], answers: ['join bad token'] },
  { words: ['swarm', 'join', '--token', 'x', '10.0.0.1'], answers: ['join', 'worker info'] },
  { words: ['swarm', 'join', '--availability', 'gone', '10.0.0.1'], answers: [] },
  { words: ['swarm', 'init'], answers: ['init ambiguous', 'node self', 'swarm'] },
  { words: ['swarm', 'init'], answers: ['init again'] },
  { words: ['swarm', 'init', '--advertise-addr', 'x'], answers: ['init bad advertise'] },
  { words: ['swarm', 'init', '--availability', 'gone'], answers: [] },
  { words: ['swarm', 'init', '--data-path-port', 'x'], answers: [] },
  { words: ['swarm', 'init', '--cert-expiry', '90x'], answers: [] },
  {
    words: ['swarm', 'update', '--cert-expiry', '1m'],
    answers: ['swarm', 'update short certificate'],
  },
  {
    words: ['node', 'update', '--label-add', 'rack=7', WORKER],
    answers: ['node worker', 'node update'],
  },
  { words: ['node', 'update', '--label-rm', 'rack', WORKER], answers: ['node worker'] },
  { words: ['node', 'promote', SELF], answers: ['node self'] },
  { words: ['node', 'demote', SELF], answers: ['node self', 'demote last'] },
  { words: ['node', 'demote', WORKER], answers: ['node worker'] },
  { words: ['node', 'rm', WORKER, 'nope'], answers: ['remove up', 'remove missing'] },
  { words: ['node', 'rm', '-f', WORKER], answers: ['remove down'] },
  { words: ['node', 'rm'], answers: [] },
  { words: ['network', 'create', '-d', 'overlay', 'blue'], answers: ['create'] },
  { words: ['network', 'create', '-d', 'overlay', 'blue'], answers: ['create twice'] },
  {
    words: ['network', 'create', '--subnet', '10.0.0.0/24', '--gateway', '10.1.0.1', 'x'],
    answers: [],
  },
  {
    words: ['network', 'create', '--subnet', '10.0.0.0/33', '--gateway', '10.0.0.1', 'x'],
    answers: [],
  },
  { words: ['network', 'create', '--gateway', '10.0.0.1', 'x'], answers: [] },
  {
    words: ['network', 'create', '--subnet', '10.0.0.0/24', '--subnet', '10.0.0.128/25', 'x'],
    answers: [],
  },
  {
    words: [
      'network', 'create', '--subnet', '10.0.0.0/24,10.0.1.0/24',
      '--gateway', '10.0.0.1,10.0.0.2', 'x',
    ],
    answers: [],
  },
  { words: ['network', 'create', '--label', 'a b=c', 'x'], answers: [] },
  { words: ['network', 'create', '--subnet'], answers: [] },
  { words: ['network', 'create', '--unheard-of', 'x'], answers: [] },
  { words: ['network', 'create'], answers: [] },
  { words: ['network', 'rm', 'nope', 'blue'], answers: ['remove network missing', 'remove used'] },
  { words: ['network', 'prune', '-f'], answers: ['prune'] },
  { words: ['network', 'prune', '-f'], answers: ['prune nothing'] },
  { words: ['network', 'prune'], answers: [] },
  { words: ['info'], answers: ['info'] },
  { words: ['info'], answers: ['inactive info'] },
  { words: ['info'], answers: ['worker info'] },
  ...formats(
    ['info'],
    ['info'],
    [
      '{{.Swarm.LocalNodeState}} {{.Swarm.NodeID}} {{.Swarm.Cluster.ID}}',
      '{{.Swarm.Cluster.Spec.CAConfig.NodeCertExpiry}} {{.Swarm.Cluster.Spec.Dispatcher}}',
      '{{json .Swarm.RemoteManagers}} {{.Swarm.RemoteManagers}}',
      '{{range .Swarm.RemoteManagers}}{{.Addr}}{{end}} {{.ServerVersion}} {{.Plugins.Network}}',
      '{{.ID}} {{.MemTotal}} {{.NCPU}} {{.Swarm.Cluster.DefaultAddrPool}}',
      '{{.Nope}}',
      '{{',
    ],
  ),
  ...formats(
    ['version'],
    ['version'],
    ['{{.Server.Version}} {{.Server.APIVersion}} {{.Server.Os}}', '{{.Server.Nope}}', '{{.Server'],
  ),
  ...formats(
    ['events', '--since', '0', '--until', '1'],
    ['events created'],
    ['{{json .Type}} {{.Action}} {{.Actor.ID}}', '{{.Actor.Attributes.name}}', '{{.Nope}}', '{{'],
  ),
  { words: ['events', '--since', 'moon'], answers: ['events bad'] },
]

/** All of them. */
export const SCENARIOS: readonly Scenario[] = [...LISTINGS, ...INSPECTIONS, ...REST]
