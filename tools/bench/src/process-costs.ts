/** What a process costs, as the kernel accounts for it. */
import { readdirSync, readFileSync } from 'node:fs'

/** USER_HZ: the clock ticks of /proc are hundredths of a second on every architecture of ours. */
const TICKS_PER_SECOND = 100
/** Fields of /proc/PID/stat after the name: state is the first, user and system time these. */
const USER_TIME = 11
const SYSTEM_TIME = 12

/** Seconds of processor time so far, of all its threads. */
export function cpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[USER_TIME]) + Number(fields[SYSTEM_TIME])) / TICKS_PER_SECOND
}

/** Resident memory now, in megabytes. */
export function residentMegabytes(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
  return (Number(kibibytes) * 1024) / 1e6
}

/** Ids of the kernel's threads that carry packets when nobody's system call can. */
export function packetThreads(): readonly number[] {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger)
  return pids.filter((pid) => nameOf(pid).startsWith('ksoftirqd/'))
}

/** Empty for a process that has ended meanwhile. */
function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'latin1')
  } catch {
    return ''
  }
}
