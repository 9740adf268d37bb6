/** Whether real Docker engines can be run here, each on a host of its own. */
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import type { TierReport } from './tier-report.ts'

/** Programs of the tier, by what provides them on Debian. The client is the package's own. */
export const DOCKER_PROGRAMS = {
  dockerd: '/usr/sbin/dockerd',
  docker: '/usr/bin/docker',
  iptables: '/usr/sbin/xtables-legacy-multi',
  busybox: '/usr/bin/busybox',
} as const

const PACKAGES: { readonly [program in keyof typeof DOCKER_PROGRAMS]: string } = {
  dockerd: 'docker.io',
  docker: 'docker.io',
  iptables: 'iptables',
  busybox: 'busybox-static',
}

const PROBE_TIMEOUT_MS = 10_000

/** What an engine must be able to do to the machine, tried in namespaces that vanish. */
const TRIAL = ['--mount', '--net', '--pid', '--fork', '--propagation', 'private', '--']

/** Engines in containers of an engine need root, Docker's programs, overlayfs and cgroups. */
export async function dockerTier(): Promise<TierReport> {
  const root = process.getuid?.() === 0 ? [] : ['root: engines run as root']
  const programs = Object.entries(DOCKER_PROGRAMS).flatMap(([name, path]) =>
    existsSync(path) ? [] : [`${path} (package ${PACKAGES[name as keyof typeof PACKAGES]})`],
  )
  const trials =
    root.length + programs.length > 0
      ? []
      : await Promise.all([namespacesLack(), busyboxLacks(), kernelLacks()])
  const missing = [...root, ...programs, ...trials.flat()]
  if (missing.length > 0) return { tier: 'docker', usable: false, missing }
  const version = await answerOf(DOCKER_PROGRAMS.dockerd, ['--version'])
  return { tier: 'docker', usable: true, by: version.words.replace(/,.*/, '').toLowerCase() }
}

async function namespacesLack(): Promise<readonly string[]> {
  const words = [...TRIAL, 'mount', '-t', 'tmpfs', 'weft-probe', '/tmp']
  const { ok, words: refusal } = await answerOf('unshare', words)
  return ok ? [] : [`namespaces: ${refusal}`]
}

/** A container has no libraries: busybox must need none. */
async function busyboxLacks(): Promise<readonly string[]> {
  const { ok } = await answerOf('ldd', [DOCKER_PROGRAMS.busybox])
  return ok ? [`a busybox without libraries (package ${PACKAGES.busybox})`] : []
}

async function kernelLacks(): Promise<readonly string[]> {
  const overlay = /\boverlay\n/.test(readFileSync('/proc/filesystems', 'utf8'))
  const second = existsSync('/sys/fs/cgroup/cgroup.controllers')
  const first = existsSync('/sys/fs/cgroup/memory/cgroup.procs')
  return [
    ...(overlay ? [] : ['overlayfs in the kernel']),
    ...(first || second ? [] : ['cgroups at /sys/fs/cgroup']),
  ]
}

/** Whether a program ended well, and the last line of what it said. */
function answerOf(
  program: string,
  args: readonly string[],
): Promise<{ readonly ok: boolean; readonly words: string }> {
  const options = { timeout: PROBE_TIMEOUT_MS, encoding: 'utf8' } as const
  return new Promise((resolve) => {
    execFile(program, args, options, (error, stdout, stderr) => {
      const said = `${stdout}\n${stderr}`.trim().split('\n').at(-1) ?? ''
      resolve({ ok: error === null, words: said === '' ? (error?.message ?? '') : said })
    })
  })
}
