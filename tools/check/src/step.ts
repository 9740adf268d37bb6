/** One step of the check: a child process whose output goes straight to the terminal. */
import { spawn } from 'node:child_process'

/** How a step ended. */
export interface StepResult {
  readonly ok: boolean
  /** The exit code, or 128 plus the signal's number as shells have it. */
  readonly code: number
  readonly ms: number
  /** A person or a supervisor ended it: what follows must not run. */
  readonly interrupted: boolean
}

const SIGNAL_BASE = 128
const INTERRUPTS = new Map([
  ['SIGINT', 2],
  ['SIGTERM', 15],
])

/** Runs a command to its end. Ctrl-C reaches the child, which cleans up; we wait for it. */
export function runStep(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<StepResult> {
  const [command = '', ...rest] = argv
  const startedMs = performance.now()
  return new Promise((resolve, reject) => {
    const child = spawn(command, rest, { stdio: 'inherit', env: { ...process.env, ...env } })
    let interrupted = false
    const wait = (): void => {
      interrupted = true
    }
    const pass = (): void => {
      interrupted = true
      child.kill('SIGTERM')
    }
    process.on('SIGINT', wait)
    process.on('SIGTERM', pass)
    const release = (): void => {
      process.off('SIGINT', wait)
      process.off('SIGTERM', pass)
    }
    child.on('error', (error) => {
      release()
      reject(new Error(`cannot run ${command}`, { cause: error }))
    })
    child.on('close', (status, signal) => {
      release()
      const code = status ?? SIGNAL_BASE + (INTERRUPTS.get(signal ?? '') ?? 1)
      const ms = performance.now() - startedMs
      resolve({ ok: code === 0, code, ms, interrupted: interrupted || signal === 'SIGINT' })
    })
  })
}
