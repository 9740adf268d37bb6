/** The thread in new namespaces for the time of a call, dressed up as a container would be. */
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { errnoName, errnoText, inNamespace, kernelError, sys } from '@weft/linux'
import type { StartRequest } from './contained-process.ts'

/** Kinds of namespaces (linux/sched.h). */
const CLONE = { NEWNS: 0x0002_0000, NEWUTS: 0x0400_0000, NEWPID: 0x2000_0000 } as const

/** Mount flags (linux/mount.h). */
const MS = { NOSUID: 2, NODEV: 4, NOEXEC: 8, BIND: 0x1000, REC: 0x4000, SLAVE: 0x80000 } as const

const HOSTNAME_FILE = '/proc/sys/kernel/hostname'
const CGROUPS = '/sys/fs/cgroup'

/**
 * Call `body` in a network namespace, and in new namespaces of mounts, host name and process
 * numbers: a process that it starts is number 1 there. Must be synchronous. What goes wrong is
 * thrown after the thread is back; a thread that cannot come back ends the process.
 */
export function inNewPlace<Result>(
  network: number,
  request: Pick<StartRequest, 'hostname' | 'hosts'>,
  body: () => Result,
): Result {
  const home = HOMES.map(({ name, type }) => {
    return { fd: openSync(`/proc/thread-self/ns/${name}`, 'r'), type }
  })
  const directory = process.cwd()
  try {
    check(sys.unshare(CLONE.NEWNS | CLONE.NEWUTS | CLONE.NEWPID), 'create namespaces', 'container')
    try {
      return inNamespace(network, () => {
        furnish(request)
        return body()
      })
    } finally {
      if (home.some(({ fd, type }) => sys.setns(fd, type) < 0)) dieAbroad()
      // Coming back to the mounts of home means coming back to their root.
      process.chdir(directory)
    }
  } finally {
    for (const { fd } of home) closeSync(fd)
  }
}

/** What the thread comes back to. */
const HOMES = [
  { name: 'pid', type: CLONE.NEWPID },
  { name: 'uts', type: CLONE.NEWUTS },
  { name: 'mnt', type: CLONE.NEWNS },
] as const

function dieAbroad(): never {
  writeSync(2, 'weft: the thread cannot return to its namespaces: aborting\n')
  process.abort()
}

function furnish({ hostname, hosts }: Pick<StartRequest, 'hostname' | 'hosts'>): void {
  // What is unmounted outside goes here too; nothing that is done here is seen outside.
  check(sys.mount('none', '/', null, MS.REC | MS.SLAVE, null), 'separate mounts', '/')
  writeFileSync(HOSTNAME_FILE, hostname)
  mountText('/etc/hosts', hosts)
  mountText('/etc/hostname', `${hostname}\n`)
  mountSys()
}

/** Another text under a path, for whoever is here; a path that is not there stays so. */
function mountText(path: string, text: string): void {
  if (!existsSync(path)) return
  const directory = mkdtempSync(join(tmpdir(), 'weft-'))
  const file = join(directory, 'text')
  try {
    writeFileSync(file, text, { mode: 0o644 })
    // The mount keeps the file after its name is gone, so nothing is left behind.
    check(sys.mount(file, path, null, MS.BIND, null), 'mount text', path)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** /sys shows the devices of the network namespace it was mounted in; cgroups stay as they were. */
function mountSys(): void {
  const cgroups = existsSync(CGROUPS) ? openSync(CGROUPS, 'r') : null
  try {
    const flags = MS.NOSUID | MS.NODEV | MS.NOEXEC
    check(sys.mount('sysfs', '/sys', 'sysfs', flags, null), 'mount', '/sys')
    if (cgroups === null || !existsSync(CGROUPS)) return
    const source = `/proc/self/fd/${cgroups}`
    check(sys.mount(source, CGROUPS, null, MS.BIND | MS.REC, null), 'mount', CGROUPS)
  } finally {
    if (cgroups !== null) closeSync(cgroups)
  }
}

function check(result: number, operation: string, object: string): void {
  if (result >= 0) return
  const fault = { errno: errnoName(-result), diagnostic: errnoText(-result) }
  throw kernelError({ operation, object }, fault)
}
