/** Flags of the daemon, and its help. */
import { Command, CommanderError } from 'commander'
import {
  CONFIG_PATH,
  DATAPLANES,
  GOSSIP_PROFILES,
  LOG_FORMATS,
  LOG_LEVELS,
  USUAL_OPTIONS,
  type DaemonOptions,
} from './daemon-options.ts'
import { readOptions, refuse } from './option-values.ts'

/** What the words come to. */
export type CommandLine =
  /** Run, with what flags said. `config` null: the usual file, if it is there. */
  | {
      readonly kind: 'run' | 'teardown'
      readonly flags: Partial<DaemonOptions>
      readonly config: string | null
    }
  /** Print and end: --help, --version. */
  | { readonly kind: 'print'; readonly text: string }

/** Read the words after the program's name. Throws ERR_OPTION. */
export function readCommandLine(words: readonly string[], version: string): CommandLine {
  let printed = ''
  const command = defineCommand(version, (text) => (printed += text))
  try {
    command.parse([...words], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return { kind: 'print', text: printed }
    throw refuse('command line', 'arguments', error.message.replace(/^error: /, ''))
  }
  const { config = null, teardown = false, ...given } = command.opts<Record<string, unknown>>()
  const flags = readOptions(given, 'command line')
  const kind = teardown === true ? 'teardown' : 'run'
  return { kind, flags, config: config as string | null }
}

function defineCommand(version: string, write: (text: string) => void): Command {
  const { state, socket, instance } = USUAL_OPTIONS
  const collect = (one: string, before: readonly string[] = []): string[] => [...before, one]
  return new Command('weftd')
    .description('The daemon: a node of a cluster behind a Docker-compatible socket.')
    .version(version, '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print this')
    .option('--config <file>', `options as JSON, by the names of flags (${CONFIG_PATH} if there)`)
    .option('--state <directory>', `what must survive a restart (${state})`)
    .option('--socket <path>', `where the Engine API listens (${socket})`)
    .option('--group <name>', 'may use the socket besides root (weft, or docker, if there)')
    .option('--dataplane <name>', `${DATAPLANES.join(', ')} (${DATAPLANES[0]})`)
    .option('--instance <name>', `stands in names of kernel objects (${instance})`)
    .option('--default-advertise-addr <address>', 'for init and join that name none')
    .option('--gossip-profile <name>', `${GOSSIP_PROFILES.join(', ')} (${GOSSIP_PROFILES[0]})`)
    .option('--label <name=value>', 'a label of this engine; may be repeated', collect)
    .option('--log-level <level>', `${LOG_LEVELS.join(', ')} (${USUAL_OPTIONS.logLevel})`)
    .option('--log-format <format>', `${LOG_FORMATS.join(', ')} (${USUAL_OPTIONS.logFormat})`)
    .option('--teardown', 'remove from the kernel what a daemon left there, and end')
    .allowExcessArguments(false)
    .addHelpText('after', EXAMPLES)
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: () => undefined })
}

const EXAMPLES = `
Examples:
  weftd                                     as the systemd unit starts it
  weftd --state /tmp/n1 --socket /tmp/n1.sock --dataplane sim --log-level debug
  weft -H unix:///tmp/n1.sock swarm init --advertise-addr eth1
  weftd --teardown                          after the daemon has ended for good

SIGTERM and SIGINT end the daemon and leave forwarding as it is; the next start takes it over.
Exit codes: 0 ended, 1 could not start, 2 wrong usage, 70 a bug.
`
