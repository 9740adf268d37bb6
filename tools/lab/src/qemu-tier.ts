/** Whether guests with another kernel than ours can be run here. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { relative } from 'node:path'
import { FETCH_KERNEL, guestKernel, guestKernelFolder } from './guest-kernel.ts'
import { REPOSITORY } from './lab-programs.ts'
import type { TierReport } from './tier-report.ts'

/** Programs of the tier on Debian, and their packages. */
export const QEMU_PROGRAMS = {
  qemu: '/usr/bin/qemu-system-x86_64',
  busybox: '/usr/bin/busybox',
} as const

const PACKAGES = { qemu: 'qemu-system-x86', busybox: 'busybox-static' } as const
const PROBE_TIMEOUT_MS = 10_000

/** Guests need QEMU, a busybox, Debian's kernel, and that our Node can run on it. */
export async function qemuTier(): Promise<TierReport> {
  const programs = (['qemu', 'busybox'] as const).flatMap((name) =>
    existsSync(QEMU_PROGRAMS[name])
      ? []
      : [`${QEMU_PROGRAMS[name]} (package ${PACKAGES[name]})`],
  )
  const fetch = `${relative(REPOSITORY, FETCH_KERNEL)} ${guestKernelFolder()}`
  const kernel = guestKernel() === null ? [`a kernel for guests (${fetch})`] : []
  const machine = process.arch === 'x64' ? [] : ['a machine of x64: guests run its Node']
  const missing = [...machine, ...programs, ...kernel]
  if (missing.length > 0) return { tier: 'qemu', usable: false, missing }
  const version = await qemuVersion()
  if (version === null) {
    return { tier: 'qemu', usable: false, missing: [`${QEMU_PROGRAMS.qemu} does not run`] }
  }
  return { tier: 'qemu', usable: true, by: `qemu ${version}` }
}

function qemuVersion(): Promise<string | null> {
  const options = { timeout: PROBE_TIMEOUT_MS, encoding: 'utf8' } as const
  return new Promise((resolve) => {
    execFile(QEMU_PROGRAMS.qemu, ['--version'], options, (error, stdout) => {
      resolve(error === null ? (/version (\S+)/.exec(stdout)?.[1] ?? null) : null)
    })
  })
}
