/** The first and only file system of a guest: busybox, Node, modules of the kernel, our code. */
import { execFileSync } from 'node:child_process'
import { basename } from 'node:path'
import { CpioWriter } from './cpio.ts'
import type { GuestKernel } from './guest-kernel.ts'
import { writePackages, type GuestPackage } from './guest-packages.ts'
import { modulesInOrder } from './kernel-modules.ts'
import { QEMU_PROGRAMS } from './qemu-tier.ts'

/** What a guest has. */
export interface GuestImageOptions {
  readonly kernel: GuestKernel
  /** Modules that are loaded, after those that they need. */
  readonly modules: readonly string[]
  /** What can be called there. `@weft/lab` is there always. */
  readonly packages: readonly GuestPackage[]
}

/** Where packages are in a guest. */
export const GUEST_PLACE = 'weft'

const FOLDERS = ['dev', 'proc', 'run', 'sys', 'tmp']
/** Loaded for the guest itself: its network card, and the port that calls come by. */
const MACHINE_MODULES = ['virtio_pci', 'virtio_net', 'virtio_console']

/** Runs as process 1. What it prints is the guest's console. */
const INIT = `#!/bin/busybox sh
export PATH=/bin
mount() { busybox mount -t "$1" weft "$2"; }
mount proc /proc
mount sysfs /sys
mount devtmpfs /dev
mount tmpfs /tmp
mount tmpfs /run
while read -r module; do
  busybox insmod "/modules/$module" || echo "cannot load $module"
done < /modules/order
cd /${GUEST_PLACE}
node --conditions=@weft/source node_modules/@weft/lab/src/guest-main.js
echo "the guest's program has ended: $?"
busybox poweroff -f
`

/** Write the image, which must not exist. Throws the file system's errors, and ERR_LAB_REQUEST. */
export function writeGuestImage(path: string, options: GuestImageOptions): void {
  using archive = new CpioWriter(path)
  for (const folder of FOLDERS) archive.folder(folder)
  archive.file('init', Buffer.from(INIT), 0o755)
  archive.program('bin/busybox', QEMU_PROGRAMS.busybox)
  archive.program('bin/node', process.execPath)
  for (const library of librariesOf(process.execPath)) {
    archive.program(library.slice(1), library)
  }
  const wanted = [...MACHINE_MODULES, ...options.modules]
  const modules = modulesInOrder(options.kernel.modules, wanted)
  for (const module of modules) archive.program(`modules/${basename(module.path)}`, module.path)
  const order = modules.map(({ path: file }) => `${basename(file)}\n`).join('')
  archive.file('modules/order', Buffer.from(order))
  writePackages(archive, GUEST_PLACE, [...options.packages, { name: '@weft/lab' }])
}

/** What a program is linked with, by absolute paths, the loader among them. */
function librariesOf(program: string): string[] {
  const text = execFileSync('ldd', [program], { encoding: 'utf8' })
  return [...text.matchAll(/(?:=> |^\s+)(\/\S+) \(/gm)].map(([, path = '']) => path)
}
