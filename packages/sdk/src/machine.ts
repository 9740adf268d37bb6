/** What a node finds out about the machine it runs on, as a port. */
import { readFile, stat } from 'node:fs/promises'
import os from 'node:os'
import { parseIp, type Ip } from '@weft/core'
import type { NamespaceHolder } from '@weft/agent'

/** An address that an interface has now. */
export interface InterfaceIp {
  readonly ifname: string
  readonly ip: Ip
  /** Loopback and link-local: nothing that another host could use. */
  readonly isHostOnly: boolean
}

/** The machine. Tests bring their own. */
export interface Machine {
  /** Of interfaces that are up. */
  addresses(): readonly InterfaceIp[]
  /** The process that `/proc/PID/ns/net` means; null for other paths, and when there is none. */
  holderOf(path: string): Promise<NamespaceHolder | null>
  readonly hostname: string
  /** As `uname -m` says. */
  readonly architecture: string
  readonly os: string
  readonly cores: number
  readonly memoryBytes: number
}

/** This one. */
export function nodeMachine(): Machine {
  return {
    addresses: readAddresses,
    holderOf: readHolder,
    hostname: os.hostname(),
    architecture: os.machine(),
    os: os.platform(),
    cores: os.availableParallelism(),
    memoryBytes: os.totalmem(),
  }
}

function readAddresses(): InterfaceIp[] {
  return Object.entries(os.networkInterfaces()).flatMap(([ifname, entries = []]) =>
    entries.map(({ address, internal }) => {
      const ip = parseIp(address)
      return { ifname, ip, isHostOnly: internal || ip.startsWith('fe80:') }
    }),
  )
}

const BOOT = '/proc/sys/kernel/random/boot_id'
/** Places of `starttime` in /proc/PID/stat behind the name, which may hold anything (proc(5)). */
const START_FIELD = 19

/** Numbers of processes and of namespaces come again; with the boot and the start they do not. */
async function readHolder(path: string): Promise<NamespaceHolder | null> {
  const [, process] = /^(\/proc\/[1-9]\d*(?:\/task\/[1-9]\d*)?)\/ns\/net$/.exec(path) ?? []
  if (process === undefined) return null
  try {
    const [boot, text, { dev, ino }] = await Promise.all([
      readFile(BOOT, 'utf8'),
      readFile(`${process}/stat`, 'utf8'),
      stat(path),
    ])
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return { process: `${boot.trim()} ${fields[START_FIELD] ?? ''}`, identity: `${dev}:${ino}` }
  } catch {
    return null // it has ended
  }
}
