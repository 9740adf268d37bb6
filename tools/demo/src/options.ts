/** The command line of `npm run demo`. */
import { parseArgs } from 'node:util'

export const HOSTS_MIN = 2
export const HOSTS_MAX = 16

/** What the hosts of a demo can be made of. */
export const DEMO_BACKENDS = ['kernel', 'userspace', 'mixed', 'sim'] as const

/** One of them. */
export type DemoBackend = (typeof DEMO_BACKENDS)[number]

/** What the user asked for. */
export interface DemoOptions {
  readonly backend: DemoBackend
  readonly hosts: number
  /** One JSON document on stdout and nothing else. */
  readonly json: boolean
  /** Where to write what crossed the underlay; null for nowhere. */
  readonly pcap: string | null
  /** Leave the lab up at the end. */
  readonly keep: boolean
}

export const HELP = `Real packets between hosts over an overlay network, checked and explained.

Usage: npm run demo [-- OPTIONS]

  --backend NAME         kernel: namespaces, bridges and VXLAN devices of this machine (default)
                         userspace: TAPs and UDP sockets, a switch in a process for each host
                         mixed: hosts of both kinds in one network, the first a userspace one
                         sim: the executable model on virtual time, needs no privileges
  --hosts N              ${HOSTS_MIN} to ${HOSTS_MAX} hosts (default 3)
  --json                 one JSON document on stdout, nothing else
  --pcap FILE            write what crossed the underlay as pcapng, for tshark or Wireshark
  --keep                 leave the lab up; prints how to enter it and how to remove it
  --help                 this text

Examples
  npm run demo
  npm run demo -- --hosts 5 --pcap /tmp/underlay.pcapng
  npm run demo -- --backend mixed
  npm run demo -- --backend sim --json

Exit status: 0 all checks hold, 1 a check failed, 2 it could not run (the reason is on stderr).
`

/** What parsing came to: options, a request for help, or what is wrong with the words. */
export type ParsedOptions =
  | { readonly kind: 'run'; readonly options: DemoOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly problem: string }

/** Read the words after `npm run demo --`. */
export function parseOptions(words: readonly string[]): ParsedOptions {
  try {
    const { values } = parseArgs({
      args: [...words],
      options: {
        backend: { type: 'string', default: 'kernel' },
        hosts: { type: 'string', default: '3' },
        json: { type: 'boolean', default: false },
        pcap: { type: 'string' },
        keep: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (values.help) return { kind: 'help' }
    return check(values)
  } catch (error) {
    return { kind: 'wrong', problem: error instanceof Error ? error.message : String(error) }
  }
}

interface RawValues {
  readonly backend: string
  readonly hosts: string
  readonly json: boolean
  readonly pcap?: string | undefined
  readonly keep: boolean
}

function check(values: RawValues): ParsedOptions {
  const { json, keep } = values
  const backend = DEMO_BACKENDS.find((name) => name === values.backend)
  if (backend === undefined) {
    const known = DEMO_BACKENDS.join(', ')
    return { kind: 'wrong', problem: `no backend ${values.backend}: it is one of ${known}` }
  }
  const hosts = /^[0-9]+$/.test(values.hosts) ? Number(values.hosts) : NaN
  if (!(hosts >= HOSTS_MIN && hosts <= HOSTS_MAX)) {
    const expected = `a whole number from ${HOSTS_MIN} to ${HOSTS_MAX}`
    return { kind: 'wrong', problem: `--hosts ${values.hosts}: it takes ${expected}` }
  }
  if (keep && backend === 'sim') {
    return { kind: 'wrong', problem: '--keep: a simulated lab ends with its process' }
  }
  return { kind: 'run', options: { backend, hosts, json, keep, pcap: values.pcap ?? null } }
}
