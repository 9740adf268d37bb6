/** What GET /info and GET /version say of the machine. */
import { readFileSync } from 'node:fs'
import { arch, cpus, release, totalmem, type } from 'node:os'

/** Facts that do not change while a daemon runs. */
export interface MachineFacts {
  /** Of the kernel. */
  readonly kernelVersion: string
  /** `Debian GNU/Linux 12 (bookworm)`. */
  readonly operatingSystem: string
  /** `12`. */
  readonly osVersion: string
  /** `linux`. */
  readonly osType: string
  /** As `uname -m` says it: `x86_64`. */
  readonly architecture: string
  readonly cpus: number
  readonly memoryBytes: number
}

/** The machine's own. */
export function machineFacts(): MachineFacts {
  const names = osRelease()
  return {
    kernelVersion: release(),
    operatingSystem: names.get('PRETTY_NAME') ?? type(),
    osVersion: names.get('VERSION_ID') ?? '',
    osType: type().toLowerCase(),
    architecture: UNAME[arch()] ?? arch(),
    cpus: cpus().length,
    memoryBytes: totalmem(),
  }
}

const UNAME: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64', ia32: 'i686' }

/** Go's name of an architecture, for GET /version. */
export function goArchitecture(architecture: string): string {
  return { x86_64: 'amd64', aarch64: 'arm64', i686: '386' }[architecture] ?? architecture
}

/** os-release(5): lines of NAME=value, which may be quoted. */
function osRelease(): ReadonlyMap<string, string> {
  try {
    const lines = readFileSync('/etc/os-release', 'utf8').split('\n')
    return new Map(
      lines.flatMap((line) => {
        const [, name, value] = /^([A-Z_]+)="?([^"]*)"?$/.exec(line) ?? []
        return name === undefined || value === undefined ? [] : [[name, value] as const]
      }),
    )
  } catch {
    return new Map()
  }
}
