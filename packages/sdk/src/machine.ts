/** What a node finds out about the machine it runs on, as a port. */
import os from 'node:os'
import { parseIp, type Ip } from '@weft/core'

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
