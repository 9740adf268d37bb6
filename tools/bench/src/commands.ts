/** Running the field's own programs, which are the baselines: ip, bridge, iperf3. */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const OUTPUT_BYTES_MAX = 64 * 1024 * 1024

/** A program and its words. */
export type Words = readonly [program: string, ...args: string[]]

/** Run to the end, with `input` on its standard input; its output. Throws when it fails. */
export function run(words: Words, input?: string): string {
  const [program, ...args] = words
  const options = { encoding: 'utf8', maxBuffer: OUTPUT_BYTES_MAX, input: input ?? '' } as const
  const done = spawnSync(program, args, options)
  if (done.error !== undefined) throw done.error
  if (done.status !== 0) throw new Error(`${words.join(' ')}: ${done.stderr.trim()}`)
  return done.stdout
}

/** The same without blocking this process. */
export function runAside(words: Words, input?: string): Promise<string> {
  const [program, ...args] = words
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text))
  child.stdin.end(input ?? '')
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve(output.stdout)
      else reject(new Error(`${words.join(' ')}: ${output.stderr.trim()}`))
    })
  })
}

/** `ip -batch -` in a namespace, stopping at the first error. */
export function ipBatch(namespace: string, lines: readonly string[]): void {
  run(['ip', '-n', namespace, '-batch', '-'], `${lines.join('\n')}\n`)
}

/** `bridge -batch -` in a namespace. */
export function bridgeBatch(namespace: string, lines: readonly string[]): void {
  run(['bridge', '-n', namespace, '-batch', '-'], `${lines.join('\n')}\n`)
}

/** The same without blocking this process. */
export async function batchAside(
  program: 'ip' | 'bridge',
  namespace: string,
  lines: readonly string[],
): Promise<void> {
  await runAside([program, '-n', namespace, '-batch', '-'], `${lines.join('\n')}\n`)
}

/** The programs that are not on the PATH, with the Debian package of each. */
export function missingPrograms(wanted: readonly (readonly [string, string])[]): string[] {
  const directories = (process.env['PATH'] ?? '').split(delimiter)
  const isThere = (name: string): boolean =>
    directories.some((directory) => existsSync(join(directory, name)))
  const absent = wanted.filter(([name]) => !isThere(name))
  return absent.map(([name, from]) => `${name} (Debian package ${from})`)
}
