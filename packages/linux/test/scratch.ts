/** Namespaces of a test, removed after it; and `ip` inside them, to have a second opinion. */
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { parseInterfaceAddress } from '@weft/core'
import { createNamespace, deleteNamespace, Kernel, namespacePath } from '../src/index.ts'
import { afterEach } from 'vitest'

let counter = 0
const names: string[] = []
const closers: (() => unknown)[] = []

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
  for (const name of names.splice(0)) deleteNamespace({ name })
})

/** Do this after the test, last registered first. */
export function atEnd(close: () => unknown): void {
  closers.push(close)
}

/** A name nobody else uses; its namespace, if the test makes one, goes with the test. */
export function scratchName(): string {
  const name = `linux-${process.pid}-${++counter}`
  names.push(name)
  return name
}

/** A new namespace and the kernel as seen from it. */
export function scratch(): { name: string; path: string; kernel: Kernel } {
  const name = scratchName()
  createNamespace({ name })
  const path = namespacePath({ name })
  const kernel = Kernel.open(path)
  atEnd(() => kernel.close())
  return { name, path, kernel }
}

/** Two namespaces joined by a veth pair `eth0`–`eth0`, with 10.0.0.1 and .2, fd00::1 and ::2. */
export function scratchPair(): [Host, Host] {
  const [a, b] = [scratch(), scratch()]
  const peer = { name: 'eth0', namespaceFd: b.kernel.namespace.fd }
  a.kernel.links.create({ kind: 'veth', name: 'eth0', peer })
  const pair: [Host, Host] = [configure(a, 1), configure(b, 2)]
  // Until the kernel takes notice of a carrier frames are lost; a question makes it do so at once.
  for (const { kernel, linkIndex } of pair) kernel.links.get(linkIndex)
  return pair
}

/** One end of a pair. */
export interface Host {
  readonly name: string
  readonly path: string
  readonly kernel: Kernel
  readonly linkIndex: number
}

function configure(scratch: { name: string; path: string; kernel: Kernel }, host: number): Host {
  const { kernel } = scratch
  const linkIndex = kernel.links.require('eth0').index
  kernel.links.change(linkIndex, { up: true })
  for (const text of [`10.0.0.${host}/24`, `fd00::${host}/64`]) {
    const address = parseInterfaceAddress(text)
    kernel.addresses.apply('create', { linkIndex, address, noDuplicateDetection: true })
  }
  return { ...scratch, linkIndex }
}

/** What a command prints. */
export function run(command: string): string {
  return runWords(command.split(' '))
}

/** What a command prints, whose words may have spaces in them. */
export function runWords([file = '', ...args]: readonly string[]): string {
  return execFileSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

/** What a command prints, as JSON. */
export function runJson(command: string): unknown {
  return JSON.parse(run(command))
}

/** Open descriptors of this process. */
export function openFds(): number {
  return readdirSync('/proc/self/fd').length
}
