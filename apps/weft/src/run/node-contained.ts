/** Processes in namespaces of their own, on Linux: `unshare`, mounts, and a start in between. */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { inNewNamespace, Kernel, openNamespace } from '@weft/linux'
import { custodianOf } from './custodian.ts'
import type {
  ContainedProcesses,
  ContainerNamespace,
  Custodian,
  RunningProcess,
  StartRequest,
} from './contained-process.ts'
import { PATH_DEFAULT } from './executable.ts'
import { inNewPlace } from './new-place.ts'

/** Status of a process that a signal killed is this and the signal's number (POSIX shells). */
const SIGNAL_STATUS = 128

/**
 * What runs first in the new place, as its process 1, and becomes the command: the file system of
 * processes can only be mounted by one of them. The command's PATH is not where `mount` is found.
 */
const FIRST_STEP =
  `PATH=${PATH_DEFAULT} mount -t proc -o nosuid,nodev,noexec proc /proc || exit 125; ` +
  `exec "$@"`

/** Processes on this machine; `weftCommand` is how this program is started, for the custodian. */
export function nodeContained(weftCommand: readonly string[]): ContainedProcesses {
  const appointCustodian = (host: string): Custodian => custodianOf(weftCommand, host)
  return { openNamespace: openContainer, appointCustodian }
}

function openContainer(): ContainerNamespace {
  const namespace = inNewNamespace(() => {
    using kernel = Kernel.open()
    kernel.links.change('lo', { up: true })
    return openNamespace()
  })
  const close = (): void => namespace.close()
  return {
    path: `/proc/${process.pid}/fd/${namespace.fd}`,
    start: (request) => inNewPlace(namespace.fd, request, () => start(request)),
    close,
    [Symbol.dispose]: close,
  }
}

function start({ words, hostname, env }: StartRequest): RunningProcess {
  const child = spawn('/bin/sh', ['-c', FIRST_STEP, 'sh', ...words], {
    stdio: 'inherit',
    env: { ...env, HOSTNAME: hostname },
  })
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (status, signal) => resolve(status ?? signalStatus(signal)))
  })
  const signal = (name: NodeJS.Signals): void => {
    child.kill(name)
  }
  return { pid: child.pid ?? 0, ended, signal }
}

function signalStatus(signal: NodeJS.Signals | null): number {
  return SIGNAL_STATUS + (signal === null ? 0 : constants.signals[signal])
}
