/** The daemon, for whoever starts it from a program. */
export { readCommandLine, type CommandLine } from './command-line.ts'
export { CONFIG_BYTES_MAX, readConfigFile } from './config-file.ts'
export { openDaemon, tearDown, type Daemon, type DaemonFacts } from './daemon.ts'
export { daemonError, type DaemonErrors } from './daemon-errors.ts'
export { CONFIG_PATH, USUAL_OPTIONS, type DaemonOptions } from './daemon-options.ts'
export { EXIT, run } from './run.ts'
