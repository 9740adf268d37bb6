/** Processes in namespaces of their own, as `run` needs them: the seam to the kernel. */

/** Makes namespaces, and starts processes in them. */
export interface ContainedProcesses {
  /** A network namespace with `lo` up. Throws ERR_KERNEL. */
  openNamespace(): ContainerNamespace
  /** Somebody who cleans up when this process dies without having done so. */
  appointCustodian(host: string): Custodian
}

/** A network namespace that lasts until it is closed and its last process has ended. */
export interface ContainerNamespace extends Disposable {
  /** Where the daemon finds it, as long as this process lives. */
  readonly path: string
  /** Start a command in it, with mounts, host name and process numbers of its own. */
  start(request: StartRequest): RunningProcess
  /** Idempotent. */
  close(): void
}

/** What to start, and how the world looks to it. */
export interface StartRequest {
  /** The command and its arguments. */
  readonly words: readonly string[]
  readonly hostname: string
  /** Text of /etc/hosts. */
  readonly hosts: string
  readonly env: Readonly<Record<string, string | undefined>>
}

/** A process that was started. */
export interface RunningProcess {
  /** As this host numbers it. */
  readonly pid: number
  /** Its exit status; 128 and the signal's number for one that was killed. */
  readonly ended: Promise<number>
  signal(name: NodeJS.Signals): void
}

/** Kills the process and detaches the endpoint if whoever appointed it dies first. */
export interface Custodian {
  guardProcess(pid: number): void
  guardEndpoint(id: string): void
  /** All was cleaned up: nothing is left to do. */
  dismiss(): void
}
