/** Deletes forwarding entries of a host's network from outside, and hears of their return. */
import type { Mac } from '@weft/core'
import {
  Kernel,
  listNamespaces,
  namespacePath,
  openMonitor,
  type Notice,
  type Watch,
} from '@weft/linux'
import { BENCH_VNI } from './desired.ts'
import type { BenchHost } from './two-hosts.ts'

const PATIENCE_MS = 5_000

/** One VXLAN device of the dataplane under test. */
export class ForwardingWatch implements AsyncDisposable {
  readonly #kernel: Kernel
  readonly #linkIndex: number
  readonly #monitor: Watch
  #returned: ((mac: Mac) => void) | null = null

  constructor(host: BenchHost) {
    const found = findVxlan(host.name)
    this.#kernel = found.kernel
    this.#linkIndex = found.linkIndex
    const namespace = found.kernel.namespace.fd
    this.#monitor = openMonitor(
      { namespace, topics: ['neighbours'] },
      {
        changed: (read) => this.#hear(read()),
        overrun: () => undefined,
        failed: (fault) => {
          throw new Error(`the monitor failed: ${fault.diagnostic}`)
        },
      },
    )
  }

  /** Delete the tunnel's entry for a MAC; milliseconds until it is back. */
  deleteAndAwait(mac: Mac): Promise<number> {
    return new Promise((resolve, reject) => {
      const start = process.hrtime.bigint()
      const tooLate = setTimeout(() => reject(new Error(`${mac} did not return`)), PATIENCE_MS)
      this.#returned = (which) => {
        if (which !== mac) return
        clearTimeout(tooLate)
        resolve(Number(process.hrtime.bigint() - start) / 1e6)
      }
      this.#kernel.forwarding.apply('delete', { linkIndex: this.#linkIndex, mac, table: 'self' })
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#monitor.close()
    this.#kernel.close()
  }

  #hear(notices: readonly Notice[]): void {
    for (const notice of notices) {
      if (notice.about !== 'forwarding' || notice.gone) continue
      if (notice.entry.table === 'self') this.#returned?.(notice.entry.mac)
    }
  }
}

function findVxlan(host: string): { kernel: Kernel; linkIndex: number } {
  for (const name of listNamespaces().filter((each) => each.includes(host))) {
    const kernel = Kernel.open(namespacePath({ name }))
    const device = kernel.links.list().find((link) => link.vxlan?.vni === BENCH_VNI)
    if (device !== undefined) return { kernel, linkIndex: device.index }
    kernel.close()
  }
  throw new Error(`no VXLAN device with VNI ${BENCH_VNI} on ${host}`)
}
