/** Commands that are refused, with what Docker 20.10 says to each (recorded from a real engine). */
import type { Client } from '@weft/lab'

/** A command on a host, and what it must say. Words in capitals are filled in by the test. */
export interface Refusal {
  readonly what: string
  readonly on: number
  readonly words: readonly string[]
  /** All of standard error; a pattern where it has IDs, or where we say more than Docker. */
  readonly says: string | RegExp
  /** Exit code; 1 when left out. */
  readonly code?: number
  /** Left out: both clients have the command. */
  readonly only?: Client
}

/** What the daemon says, with the client's prefix. */
function daemon(text: string): string {
  return `Error response from daemon: ${text}`
}

/** The same, of what a manager refused over gRPC. */
function rpc(code: string, text: string): string {
  return daemon(`rpc error: code = ${code} desc = ${text}`)
}

/** The same and the addresses of the host that it may have meant, which Docker does not say. */
function withCandidates(pattern: string): RegExp {
  return new RegExp(`^${daemon(pattern)}; ${CANDIDATES}$`)
}

const NO_MANAGER = daemon(
  'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect ' +
    'this node to swarm and try again.',
)
const WORKER = daemon(
  "This node is not a swarm manager. Worker nodes can't be used to view or modify cluster state. " +
    'Please run this command on a manager node or promote the current node to a manager.',
)
const PART_ALREADY = daemon(
  'This node is already part of a swarm. Use "docker swarm leave" to leave this swarm and join ' +
    'another one.',
)
const BAD_SECRET = rpc('InvalidArgument', 'A valid join token is necessary to join this cluster')
/** What we add to Docker's words where an address is asked for. */
const CANDIDATES = 'it has OWN on eth0, OTHER on eth0, [0-9a-f:]+ on eth0'
const AN_ADDRESS = 'IP address or network interface \\(with optional port number\\)'
const LAST_MANAGER = daemon(
  'You are attempting to leave the swarm on a node that is participating as a manager. Removing ' +
    'the last manager erases all current state of the swarm. Use `--force` to ignore this message.',
)
const INIT = ['swarm', 'init'] as const
const INIT_OWN = [...INIT, '--advertise-addr', 'OWN'] as const
const JOIN = ['swarm', 'join', '--token'] as const
const OVERLAY = ['network', 'create', '-d', 'overlay'] as const
const ATTACH = ['attach', '--name', 'x', '--netns', '/run/netns/spare', '--network'] as const

/** Host 3 is in no swarm, and has two addresses on eth0. */
const ENTERING: readonly Refusal[] = [
  {
    what: 'a token that is none',
    on: 3,
    words: [...JOIN, 'garbage', 'MANAGER'],
    says: daemon('invalid join token'),
  },
  {
    what: 'a token with another secret',
    on: 3,
    words: [...JOIN, 'WRONG-SECRET', 'MANAGER'],
    says: BAD_SECRET,
  },
  {
    what: 'a token of another CA',
    on: 3,
    words: [...JOIN, 'WRONG-DIGEST', 'MANAGER'],
    says: new RegExp(
      `^${daemon('remote CA does not match fingerprint\\. Expected: [0-9a-f]{64}')}$`,
    ),
  },
  {
    what: 'a token that was rotated',
    on: 3,
    words: [...JOIN, 'ROTATED', 'MANAGER'],
    says: BAD_SECRET,
  },
  { what: 'joining twice', on: 2, words: [...JOIN, 'TOKEN', 'MANAGER'], says: PART_ALREADY },
  { what: 'a cluster on a worker', on: 2, words: INIT_OWN, says: PART_ALREADY },
  { what: 'a second cluster', on: 1, words: INIT_OWN, says: PART_ALREADY },
  {
    what: 'an address to be chosen of several',
    on: 3,
    words: INIT,
    says: daemon(
      'could not choose an IP address to advertise since this system has multiple addresses on ' +
        'interface eth0 (OWN and OTHER) - specify one with --advertise-addr',
    ),
  },
  {
    what: 'an interface with several addresses',
    on: 3,
    words: [...INIT, '--advertise-addr', 'eth0'],
    says: daemon('interface eth0 has more than one IPv4 address (OWN and OTHER)'),
  },
  {
    what: 'an interface that is not there',
    on: 3,
    words: [...INIT, '--advertise-addr', 'eth9'],
    says: withCandidates(`advertise address must be a non-zero ${AN_ADDRESS}`),
  },
  {
    what: 'an address that is not ours, with the candidates',
    on: 3,
    words: [...INIT, '--advertise-addr', '192.0.2.1'],
    says: withCandidates(
      'must specify a listening address because the address to advertise is not recognized as a ' +
        'system address',
    ),
  },
  {
    what: 'an address to listen on that is not ours',
    on: 3,
    words: [...INIT_OWN, '--listen-addr', '192.0.2.1'],
    says: withCandidates(
      'manager stopped: failed to listen on remote API address: listen tcp 192\\.0\\.2\\.1:2377: ' +
        'bind: cannot assign requested address',
    ),
  },
  {
    what: 'an address to listen on that is none',
    on: 3,
    words: [...INIT_OWN, '--listen-addr', '999'],
    says: withCandidates(`listen address must be an ${AN_ADDRESS}`),
  },
  {
    what: 'a data path port that is reserved',
    on: 3,
    words: [...INIT_OWN, '--data-path-port', '80'],
    says: daemon('Datapath port number is not in valid range (1024-49151) : 80'),
  },
  {
    what: 'a pool that is no prefix',
    on: 3,
    words: [...INIT_OWN, '--default-addr-pool', '10.0.0.0/33'],
    code: 125,
    says:
      'invalid argument "10.0.0.0/33" for "--default-addr-pool" flag: ' +
      'invalid string being converted to CIDR: 10.0.0.0/33\nSee \'CLIENT swarm init --help\'.',
  },
  {
    what: 'subnets larger than their pool',
    on: 3,
    words: [
      ...INIT_OWN,
      ...['--default-addr-pool', '10.0.0.0/24', '--default-addr-pool-mask-length', '8'],
    ],
    says: daemon('invalid CIDR: "10.0.0.0/24". Subnet size is too small for pool: 8'),
  },
  {
    what: 'an availability that there is not',
    on: 3,
    words: [...INIT_OWN, '--availability', 'asleep'],
    says: 'invalid availability "asleep", only active, pause and drain are supported',
  },
  {
    what: 'a flag that init does not have',
    on: 3,
    words: [...INIT, '--nonsense'],
    code: 125,
    says: "unknown flag: --nonsense\nSee 'CLIENT swarm init --help'.",
  },
]

/** Who may ask for what. */
const STANDING: readonly Refusal[] = [
  {
    what: 'leaving nothing',
    on: 3,
    words: ['swarm', 'leave', '--force'],
    says: daemon('This node is not part of a swarm'),
  },
  { what: 'nodes outside of a swarm', on: 3, words: ['node', 'ls'], says: NO_MANAGER },
  { what: 'networks outside of a swarm', on: 3, words: [...OVERLAY, 'early'], says: NO_MANAGER },
  {
    what: 'a token outside of a swarm',
    on: 3,
    words: ['swarm', 'join-token', 'worker'],
    says: NO_MANAGER,
  },
  { what: 'nodes on a worker', on: 2, words: ['node', 'ls'], says: WORKER },
  { what: 'a token on a worker', on: 2, words: ['swarm', 'join-token', 'worker'], says: WORKER },
  {
    what: 'creating a network on a worker',
    on: 2,
    words: [...OVERLAY, 'elsewhere'],
    says: daemon(
      'Cannot create a multi-host network from a worker node. Please create the network from a ' +
        'manager node.',
    ),
  },
  {
    what: 'leaving as the last manager',
    on: 1,
    words: ['swarm', 'leave'],
    says: LAST_MANAGER,
  },
  {
    what: 'a role that there is not',
    on: 1,
    words: ['swarm', 'join-token', 'boss'],
    says: 'unknown role boss',
  },
]

/** Networks that cannot be made. */
const CREATING: readonly Refusal[] = [
  {
    what: 'a name that is taken',
    on: 1,
    words: [...OVERLAY, 'blue'],
    says: daemon('network with name blue already exists'),
  },
  {
    what: 'a name that is none',
    on: 1,
    words: [...OVERLAY, 'bad name'],
    says: rpc('InvalidArgument', 'name must be valid as a DNS name component'),
  },
  {
    what: 'a subnet that is taken',
    on: 1,
    words: [...OVERLAY, '--subnet', '10.40.0.0/25', 'dup'],
    says: rpc(
      'AlreadyExists',
      'Pool overlaps with other one on this address space: network blue has 10.40.0.0/24',
    ),
  },
  {
    what: 'a gateway outside of its subnet',
    on: 1,
    words: [...OVERLAY, '--subnet', '10.77.0.0/24', '--gateway', '10.78.0.1', 'gate'],
    says: 'no matching subnet for gateway 10.78.0.1',
  },
  {
    what: 'a range outside of its subnet',
    on: 1,
    words: [...OVERLAY, '--subnet', '10.77.0.0/24', '--ip-range', '10.5.0.0/16', 'range'],
    says: 'no matching subnet for range 10.5.0.0/16',
  },
  {
    what: 'an option that nobody knows, by its name',
    on: 1,
    words: [...OVERLAY, '--opt', 'nonsense=1', 'option'],
    says: /^Error response from daemon: .*nonsense/,
  },
  {
    what: 'an MTU that is no number',
    on: 1,
    words: [...OVERLAY, '--opt', 'com.docker.network.driver.mtu=abc', 'mtu'],
    says: /^Error response from daemon: .*"abc" for com\.docker\.network\.driver\.mtu/,
  },
  {
    what: 'a VNI that is taken',
    on: 1,
    words: [...OVERLAY, '--opt', 'com.docker.network.driver.overlay.vxlanid_list=VNI', 'vni'],
    says: /^Error response from daemon: .*VNI/,
  },
  {
    what: 'a driver that is not there',
    on: 1,
    words: ['network', 'create', '-d', 'nonsense', 'driver'],
    says: /^Error response from daemon: .*nonsense/,
  },
  {
    what: 'a scope that overlays do not have',
    on: 1,
    words: [...OVERLAY, '--scope', 'local', 'scope'],
    says: daemon('cannot downgrade network scope for overlay networks'),
  },
  {
    what: 'a flag that create does not have',
    on: 1,
    words: ['network', 'create', '--nonsense', 'flag'],
    code: 125,
    says: "unknown flag: --nonsense\nSee 'CLIENT network create --help'.",
  },
]

/** What is not there, or may not go. */
const CHANGING: readonly Refusal[] = [
  {
    what: 'a network that is not there',
    on: 1,
    words: ['network', 'inspect', 'nowhere'],
    says: 'Error: No such network: nowhere',
  },
  {
    what: 'removing a network that is not there',
    on: 1,
    words: ['network', 'rm', 'nowhere'],
    says: 'Error: No such network: nowhere',
  },
  {
    what: 'removing a network in use',
    on: 1,
    words: ['network', 'rm', 'blue'],
    says: new RegExp(
      `^${rpc('FailedPrecondition', 'network [0-9a-z]{25} is in use by task [0-9a-z]{25}')}$`,
    ),
  },
  {
    what: 'a node that is not there',
    on: 1,
    words: ['node', 'inspect', 'nowhere'],
    says: /Error: No such node: nowhere/,
  },
  {
    what: 'removing a node that is not there',
    on: 1,
    words: ['node', 'rm', 'nowhere'],
    says: 'Error: No such node: nowhere',
  },
  {
    what: 'removing a node that is up',
    on: 1,
    words: ['node', 'rm', 'host-2'],
    says: new RegExp(
      `^${rpc('FailedPrecondition', "node [0-9a-z]{25} is not down and can't be removed")}$`,
    ),
  },
  {
    what: 'removing the manager',
    on: 1,
    words: ['node', 'rm', '--force', 'host-1'],
    says: new RegExp(
      `^${rpc(
        'FailedPrecondition',
        'node [0-9a-z]{25} is a cluster manager and is a member of the raft cluster. ' +
          'It must be demoted to worker before removal',
      )}$`,
    ),
  },
  {
    what: 'an availability that no node has',
    on: 1,
    words: ['node', 'update', '--availability', 'asleep', 'host-2'],
    says: daemon('invalid Availability: "asleep"'),
  },
  {
    what: 'demoting the only manager',
    on: 1,
    words: ['node', 'demote', 'host-1'],
    says: rpc('FailedPrecondition', 'attempting to demote the last manager of the swarm'),
  },
  {
    what: 'a command that there is not',
    on: 1,
    words: ['nonsense'],
    says: /^CLIENT: 'nonsense' is not a CLIENT command\.\nSee 'CLIENT --help'/,
  },
]

/** Docker attaches containers; these are our command's, in Docker's words where it has any. */
const ATTACHING: readonly Refusal[] = [
  {
    what: 'attaching to what is not attachable',
    on: 2,
    words: [...ATTACH, 'closed'],
    says: /^Error response from daemon: .*network closed not manually attachable$/,
    only: 'weft',
  },
  {
    what: 'attaching where nothing is',
    on: 2,
    words: [...ATTACH, 'blue', '--netns', '/run/netns/nowhere'],
    says: /^Error response from daemon: .*\/run\/netns\/nowhere/,
    only: 'weft',
  },
  {
    what: 'attaching to a network that is not there',
    on: 2,
    words: [...ATTACH, 'nowhere'],
    says: /^Error response from daemon: .*network nowhere not found/,
    only: 'weft',
  },
  {
    what: 'an address that is taken',
    on: 2,
    words: [...ATTACH, 'blue', '--ip', 'TAKEN'],
    says: /^Error response from daemon: .*TAKEN/,
    only: 'weft',
  },
  {
    what: 'an address of another subnet',
    on: 2,
    words: [...ATTACH, 'blue', '--ip', '10.9.9.9'],
    says: /^Error response from daemon: .*10\.9\.9\.9/,
    only: 'weft',
  },
  {
    what: 'a pool that is used up',
    on: 2,
    words: [...ATTACH, 'tiny'],
    says: /: no available IPv4 addresses on this network's address pools: tiny \([0-9a-z]{25}\)$/,
    only: 'weft',
  },
]

/** Host 1 manages, host 2 works. */
export const REFUSALS: readonly Refusal[] = [
  ...ENTERING,
  ...STANDING,
  ...CREATING,
  ...CHANGING,
  ...ATTACHING,
]
