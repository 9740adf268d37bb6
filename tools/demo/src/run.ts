/** One run from opening the world to its removal: output, interruption, capture file, exit code. */
import { writeFileSync } from 'node:fs'
import { conclude, sayCheck, type Say } from './account.ts'
import { captureFile } from './capture-file.ts'
import type { DemoOptions } from './options.ts'
import { demoDocument, type CheckResult } from './report.ts'
import { playScenario } from './scenario.ts'
import type { World } from './world.ts'

const TRANSFER_BYTES = 64 * 1024 * 1024
const EXIT_FAILED = 1
const EXIT_INTERRUPTED = 130

/** Run the demo; the exit code. Rejects with what kept it from running. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const interruption = new AbortController()
  const interrupt = (): void => interruption.abort()
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt)
  // Owners that outlive this process do not keep it alive while it waits for them; this does.
  const alive = setInterval(() => undefined, 60_000)
  try {
    return await playOnce(options, interruption.signal)
  } finally {
    clearInterval(alive)
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
  }
}

async function playOnce(options: DemoOptions, signal: AbortSignal): Promise<number> {
  const start = performance.now()
  const say: Say = options.json ? () => undefined : (line) => void process.stdout.write(`${line}\n`)
  // A file that cannot be written is found out now, not after the run.
  if (options.pcap !== null) writeFileSync(options.pcap, '')
  const world = await openWorld(options)
  const checks: CheckResult[] = []
  try {
    const play = { say, signal, progress, transferBytes: TRANSFER_BYTES }
    checks.push(...(await playScenario(world, play)))
    if (options.pcap !== null) await writeCapture(options.pcap, world)
  } finally {
    if (options.keep && !signal.aborted) await keep(world, options)
    else checks.push(await clean(world, say))
  }
  return finish(options, { checks, say, ms: performance.now() - start, signal })
}

/** One line on a terminal, written over by the next; nothing where nobody watches. */
function progress(words: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${words}`)
}

/** Backends of the hosts, in turn. */
const BACKENDS = {
  kernel: ['kernel'],
  userspace: ['userspace'],
  mixed: ['userspace', 'kernel'],
} as const

/** Only the world that is asked for is loaded: the simulated one needs no Linux. */
async function openWorld({ backend, hosts, keep: stay, pcap }: DemoOptions): Promise<World> {
  const record = pcap !== null
  if (backend === 'sim') {
    const { openSimWorld } = await import('./sim-world.ts')
    return openSimWorld(hosts, { record })
  }
  const { openNamespaceWorld } = await import('./namespace-world.ts')
  return openNamespaceWorld(hosts, { backend, backends: BACKENDS[backend], keep: stay, record })
}

async function writeCapture(path: string, { capture }: World): Promise<void> {
  writeFileSync(path, captureFile(await capture.all(), capture.omitted()))
}

async function keep(world: World, options: DemoOptions): Promise<void> {
  const lines = await world.keep()
  const out = options.json ? process.stderr : process.stdout
  for (const line of lines) out.write(`${line}\n`)
}

async function clean(world: World, say: Say): Promise<CheckResult> {
  const leftovers = await world.close()
  const check: CheckResult = {
    name: 'clean',
    ok: leftovers.length === 0,
    figure: leftovers.length,
    unit: 'leftovers',
    says: leftovers[0] ?? 'no namespace, device or process is left',
  }
  sayCheck(say, check)
  return check
}

interface Ending {
  readonly checks: readonly CheckResult[]
  readonly say: Say
  readonly ms: number
  readonly signal: AbortSignal
}

function finish(options: DemoOptions, { checks, say, ms, signal }: Ending): number {
  if (signal.aborted) {
    process.stderr.write('demo: interrupted; the lab is removed\n')
    return EXIT_INTERRUPTED
  }
  const document = demoDocument(options.backend, checks, ms)
  if (options.json) process.stdout.write(`${JSON.stringify(document)}\n`)
  else conclude(say, checks, ms)
  return document.ok ? 0 : EXIT_FAILED
}
