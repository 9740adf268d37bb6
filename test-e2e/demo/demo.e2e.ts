/** The main job as a user starts it: `npm run demo`, its document, and what it leaves behind. */
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const NETNS = '/run/netns'
/** Programs that only the demo starts; `npm test` itself runs under `tools/lab/src/enter.ts`. */
const OURS = /tools\/demo\/|tools\/lab\/src\/dataplane-/

const DEMO_LONGEST_MS = 300_000
/** Ctrl-C must have removed the lab by then, on a busy machine too. */
const LEAVE_LONGEST_MS = 30_000

interface Run {
  readonly code: number | null
  readonly interrupted: boolean
  readonly hung: boolean
  readonly stdout: string
  readonly stderr: string
}

interface DemoCheck {
  readonly name: string
  readonly ok: boolean
  readonly figure: unknown
  readonly unit: unknown
}

interface DemoReport {
  readonly ok: boolean
  readonly backend: string
  readonly checks: readonly DemoCheck[]
  readonly ms: number
}

/** `npm run demo -- …`; after `interruptAfterMs`, Ctrl-C's signal goes to the whole group. */
function demo(args: readonly string[], interruptAfterMs?: number): Promise<Run> {
  const child = spawn('npm', ['run', 'demo', '--', ...args], { cwd: ROOT, detached: true })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (bytes: Buffer) => (stdout += bytes.toString()))
  child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()))
  let interrupted = false
  const signal = (name: NodeJS.Signals): void => {
    interrupted = true
    if (child.pid !== undefined) process.kill(-child.pid, name)
  }
  const interruptAt = interruptAfterMs ?? DEMO_LONGEST_MS
  const timers = [
    setTimeout(signal, interruptAt, 'SIGINT'),
    setTimeout(signal, interruptAt + LEAVE_LONGEST_MS, 'SIGKILL'),
  ]
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, ending) => {
      timers.forEach(clearTimeout)
      resolve({ code, interrupted, hung: ending === 'SIGKILL', stdout, stderr })
    })
  })
}

/** What a demo must not leave behind: named namespaces, devices, and its own processes. */
function traces(): string[] {
  const named = existsSync(NETNS) ? readdirSync(NETNS).map((name) => `netns ${name}`) : []
  const devices = readdirSync('/sys/class/net').map((name) => `device ${name}`)
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const commands = processes.map(commandOf).filter((command) => OURS.test(command))
  return [...named, ...devices, ...commands.map((command) => `process ${command}`)].sort()
}

/** The command line of a process; empty when it is gone or not ours to see. */
function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}

/** The runner (tools/check) has found out whether the kernel tier is on, and says so when not. */
const kernelTier = process.env['WEFT_NETNS'] !== 'off'
const backends = kernelTier ? ['kernel', 'userspace', 'mixed', 'sim'] : ['sim']
const withoutTap = existsSync('/dev/net/tun') ? [] : ['userspace', 'mixed']
const stages = backends.map((backend) => {
  const lacking = withoutTap.includes(backend) ? ' (this machine has no /dev/net/tun)' : ''
  return [backend, lacking] as const
})

describe.each(stages)('npm run demo -- --json --backend %s%s', (backend, lacking) => {
  const holds = 'prints one document in which every check holds, and leaves nothing behind'
  test.skipIf(lacking !== '')(holds, async () => {
    const before = traces()
    const { code, stdout, stderr } = await demo(['--json', '--backend', backend])
    const report = JSON.parse(stdout) as DemoReport
    expect(report.checks.filter(({ ok }) => !ok)).toEqual([])
    expect(report, stderr).toMatchObject({ ok: true, backend })
    expect(report.checks.length).toBeGreaterThan(5)
    expect(report.ms).toBeGreaterThan(0)
    for (const check of report.checks) {
      expect(check).toMatchObject({ name: expect.any(String), ok: expect.any(Boolean) })
      expect(check).toHaveProperty('figure')
      expect(check).toHaveProperty('unit')
    }
    expect(code).toBe(0)
    expect(traces()).toEqual(before)
  })
})

describe('npm run demo', () => {
  // While the lab is built, while it opens dataplanes, and while checks run.
  test.each([1_000, 2_000, 3_000, 4_000, 5_000])(
    'ends and leaves nothing behind when it is interrupted after %i ms',
    async (afterMs) => {
      const before = traces()
      const words = ['--json', '--backend', backends[0] ?? '']
      const { code, interrupted, hung, stderr } = await demo(words, afterMs)
      expect(hung, stderr).toBe(false)
      // A demo that was done before that is no failure.
      if (interrupted) expect(code).not.toBe(0)
      expect(traces()).toEqual(before)
    },
  )

  test.each([[['--backend', 'none']], [['--hosts', '0']], [['--hosts', '17']], [['--nonsense']]])(
    'refuses %j without a document on stdout',
    async (args) => {
      const { code, stdout, stderr } = await demo(['--json', ...args])
      expect(code).not.toBe(0)
      expect(stdout).toBe('')
      expect(stderr).not.toBe('')
    },
  )
})
