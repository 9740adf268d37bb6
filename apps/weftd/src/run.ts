/** The daemon as a process: flags, log lines, signals, exit codes. */
import { createLogger, describeError, hasCode, type Logger } from '@weft/core'
import { atLeast, jsonLines, NodeClock, readableLines } from '@weft/runtime-node'
import { keepCodeCache } from '@weft/runtime-node/code-cache'
import { readCommandLine, type CommandLine } from './command-line.ts'
import { readConfigFile } from './config-file.ts'
import { CONFIG_PATH, USUAL_OPTIONS, type DaemonOptions } from './daemon-options.ts'
import { tellReady } from './service-notice.ts'

/** How a process of the daemon ends. */
export const EXIT = { ended: 0, failed: 1, usage: 2, bug: 70 } as const

/** Signals that end it. */
const ENDINGS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/** Run until a signal comes. Resolves with the code to exit with. */
export async function run(words: readonly string[], version: string): Promise<number> {
  try {
    const line = readCommandLine(words, version)
    if (line.kind === 'print') {
      process.stdout.write(line.text)
      return EXIT.ended
    }
    const options = await completeOptions(line)
    const log = openLog(options)
    watchForBugs(log)
    const facts = { version, log }
    // What follows takes most of the time of a start: flags are checked before it is loaded.
    const { openDaemon, tearDown } = await import('./daemon.ts')
    if (line.kind === 'teardown') await tearDown(options, facts)
    else await runDaemon(() => openDaemon(options, facts), { options, facts })
    return EXIT.ended
  } catch (error) {
    process.stderr.write(`weftd: ${describeError(error)}\n`)
    return hasCode(error, 'ERR_OPTION') ? EXIT.usage : EXIT.failed
  }
}

interface Running {
  readonly options: DaemonOptions
  readonly facts: { readonly version: string; readonly log: Logger }
}

async function runDaemon(
  open: () => Promise<{ close(): Promise<void> }>,
  { options, facts: { log, version } }: Running,
): Promise<void> {
  // From the beginning: a signal during the start ends it in order too.
  const ending = firstSignal()
  const daemon = await open()
  const { socket, state, dataplane } = options
  log.info('ready', { version, socket, state, dataplane })
  const notify = process.env['NOTIFY_SOCKET']
  if (notify !== undefined && notify !== '' && !(await tellReady(notify))) {
    log.warn('nobody hears that we are ready', { address: notify })
  }
  keepCodeCache()
  const signal = await ending
  log.info('ending', { signal })
  await daemon.close()
  log.info('ended; forwarding goes on')
}

async function completeOptions(
  line: CommandLine & { readonly kind: 'run' | 'teardown' },
): Promise<DaemonOptions> {
  const { config, flags } = line
  const fromFile = await readConfigFile(config ?? CONFIG_PATH, { mustExist: config !== null })
  return { ...USUAL_OPTIONS, ...fromFile, ...flags }
}

function openLog({ logLevel, logFormat }: DaemonOptions): Logger {
  const clock = new NodeClock({ keepAlive: false })
  const target = { target: process.stderr, wall: () => clock.wall() }
  const sink = logFormat === 'json' ? jsonLines(target) : readableLines(target)
  return createLogger(atLeast(logLevel, sink))
}

function firstSignal(): Promise<NodeJS.Signals> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>()
  // A second one does nothing: whoever is in a hurry has SIGKILL, which is as safe.
  for (const signal of ENDINGS) process.on(signal, resolve)
  return promise
}

/** The process ends, the kernel goes on forwarding, and the service manager starts another. */
function watchForBugs(log: Logger): void {
  process.on('uncaughtException', (error) => {
    log.error('a bug: the daemon ends, forwarding goes on', { error, stack: error.stack })
    process.exitCode = EXIT.bug
    // Standard error may be a pipe, which takes its lines later.
    process.stderr.write('', () => process.exit(EXIT.bug))
  })
}
